"""A crowd is told to come again, and whoever is done makes room for the next."""

import asyncio
from typing import Any

from shared.web.crowd import AtMost


class Slow:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.begun = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun += 1
        if scope["path"] != "/healthz":
            await self.let.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})


async def ask(app: AtMost, path: str = "/v1/redemptions") -> tuple[int, dict[bytes, bytes]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    await app({"type": "http", "path": path, "method": "POST"}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


async def test_one_too_many_is_refused_at_once_and_later_taken() -> None:
    slow = Slow()
    app = AtMost(slow, 2)
    first = [asyncio.create_task(ask(app)) for _ in range(2)]
    while slow.begun < 2:
        await asyncio.sleep(0)
    status, headers = await asyncio.wait_for(ask(app), 5)
    assert (status, int(headers[b"retry-after"]) >= 1) == (503, True)
    assert (await ask(app, "/healthz"))[0] == 200
    slow.let.set()
    assert [status for status, _ in await asyncio.gather(*first)] == [200, 200]
    assert (await ask(app))[0] == 200
