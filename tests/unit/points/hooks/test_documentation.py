"""docs/webhooks-out.md: its receiver takes what we send and nothing else; its promises hold."""

import re
from datetime import timedelta
from email.message import Message
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.points.hooks import progress, registry, signing
from services.points.web import hooks as web
from shared import clock

PAGE = (Path(__file__).parents[4] / "docs" / "webhooks-out.md").read_text()
SECRETS = [signing.secret(b"key", UUID(int=1), generation) for generation in (1, 2)]
BODY = b'{"type":"points.earned.v1"}'


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The page's sample, with the first secret."""
    block = re.search(r"<!-- receiver -->\s*```python\n(.*?)```", PAGE, re.DOTALL)
    assert block
    monkeypatch.setenv("WEBHOOK_SECRET", signing.shown(SECRETS[0]))
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(block[1], "receiver.py", "exec"), names)
    return names


def headers(secrets: list[bytes], age: timedelta = timedelta(0)) -> Message:
    made = Message()
    for name, value in signing.headers(secrets, "id", clock.now() - age, BODY).items():
        made[name] = value
    return made


def test_the_sample_takes_ours(receiver: dict[str, Any]) -> None:
    assert receiver["is_genuine"](headers([SECRETS[0]]), BODY)
    assert receiver["is_genuine"](headers([SECRETS[1], SECRETS[0]]), BODY), "after a rotation"


def test_the_sample_takes_nothing_else(receiver: dict[str, Any]) -> None:
    assert not receiver["is_genuine"](headers([SECRETS[0]]), BODY + b" ")
    assert not receiver["is_genuine"](headers([SECRETS[1]]), BODY)
    assert not receiver["is_genuine"](headers([SECRETS[0]], timedelta(minutes=6)), BODY)


def test_the_delays_are_those_of_the_page() -> None:
    words = re.search(r"is tried again after (.*?), up to a tenth longer", PAGE)
    assert words
    units = {"s": 1, "min": 60, "h": 3600}
    told = [int(n) * units[unit] for n, unit in re.findall(r"(\d+) (s|min|h)\b", words[1])]
    assert told == [each.total_seconds() for each in progress.DELAYS]


def test_the_limits_are_those_of_the_page() -> None:
    assert f"{registry.MOST_REPLAYED:,} events a call" in PAGE
    assert timedelta(days=3) == progress.GIVEN_UP_AFTER
    assert timedelta(hours=24) == registry.OLD_SECRET_LIFE


def test_every_call_is_on_the_page() -> None:
    for route in web.router.routes:
        path = route.path.replace("webhook_id", "id").replace("delivery_id", "delivery")  # type: ignore[attr-defined]
        for method in route.methods:  # type: ignore[attr-defined]
            assert method in PAGE
            assert path in PAGE, path
