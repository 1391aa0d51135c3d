"""A customer's phone in tests: LINE's word is the LINE user's id itself."""

import re
from typing import Any

import httpx
import pytest

from services.points.web import card
from tests.integration.points.shop import Points

TAG = re.compile(r'data-tag="([0-9a-f]{16})"')


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ID token is the LINE user's id."""

    async def user(_: card.Card, token: str) -> str:
        return token

    monkeypatch.setattr(card.Card, "user", user)


class Phone:
    """Somebody's browser: what it sends as LINE's word, and the cookies that it has been given."""

    def __init__(self, points: Points, user: str) -> None:
        self._client = points.client
        self.user = user
        self.cookies: dict[str, str] = {}

    async def send(
        self, method: str, path: str, *, token: bool = True, **given: Any
    ) -> httpx.Response:
        """As the page does, with LINE's word unless `token` is False."""
        headers: dict[str, Any] = {"Authorization": f"Bearer {self.user}"} if token else {}
        headers |= given.pop("headers", {})
        if self.cookies:
            kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers["Cookie"] = kept.encode("latin-1")
        self._client.cookies.clear()
        answer = await self._client.request(method, path, headers=headers, **given)
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        for said in answer.headers.get_list("set-cookie"):
            if "Max-Age=0" in said:
                self.cookies.pop(said.partition("=")[0], None)
        return answer

    async def tag(self) -> str:
        """Whose card the page shows without LINE's word; empty for nobody's."""
        page = await self.send("GET", "/card", token=False)
        assert page.status_code == 200, page.text
        found = TAG.search(page.text)
        return found[1] if found else ""
