"""A platform whose time stands still until a test moves it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from deploy.sandbox.answers import Answer, Refused
from deploy.sandbox.calls import Call
from deploy.sandbox.platform import Channel, Platform, bot_user_id

START = datetime(2025, 4, 10, 3, 0, tzinfo=UTC)


class StillClock:
    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **span: float) -> None:
        self.moment += timedelta(**span)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def platform(clock: StillClock) -> Platform:
    channel = Channel("token", bot_user_id("1"), "店", "http://127.0.0.1:9/line/webhook")
    return Platform(channel, clock)


Send = Callable[..., tuple[int, Any, dict[bytes, bytes]]]


@pytest.fixture
def send(platform: Platform) -> Send:
    """Call a handler as the edge does; gives status, content and headers."""

    def call(
        handler: Callable[[Platform, Call], Answer], content: Any, retry_key: str | None = None
    ) -> tuple[int, Any, dict[bytes, bytes]]:
        body = content if isinstance(content, bytes) else msgspec.json.encode(content)
        try:
            answer = handler(platform, Call(body, f"request-{id(content)}", retry_key))
        except Refused as refused:
            answer = refused.answer
        return answer.status, msgspec.json.decode(answer.body), dict(answer.headers)

    return call


@pytest.fixture
def do(platform: Platform) -> Any:
    """Call a handler as the edge does; gives status and content."""

    def call(
        handler: Any, content: Any = None, *ids: str, media: str = "application/json", **query: str
    ) -> tuple[int, Any]:
        body = content if isinstance(content, bytes) else msgspec.json.encode(content)
        try:
            answer: Answer = handler(platform, Call(body, "request-1", None, ids, query, media))
        except Refused as refused:
            answer = refused.answer
        is_json = answer.media == "application/json"
        return answer.status, msgspec.json.decode(answer.body) if is_json else answer.body

    return call
