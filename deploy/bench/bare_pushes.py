"""The yardstick of pushes: a bare aiohttp client, 64 at a time, in a process of its own, sending
the same receipt as notify does.

`python -m deploy.bench.bare_pushes URL COUNT [push|multicast]` prints calls a second and CPU
microseconds a call; a multicast goes to 500 users.
"""

import asyncio
import sys
import time
import uuid

import aiohttp
import msgspec
import uvloop

from services.notify.templates import wording

CONCURRENCY = 64


async def push(base: str, count: int, message: object, kind: str = "push") -> float:
    """Call `count` times; calls a second."""
    left = iter(range(count))
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:

        async def work() -> None:
            for number in left:
                body = msgspec.json.encode({"to": _to(number, kind), "messages": [message]})
                headers = {
                    "Authorization": "Bearer token",
                    "Content-Type": "application/json",
                    "X-Line-Retry-Key": str(uuid.uuid4()),
                }
                url = f"{base}/v2/bot/message/{kind}"
                async with session.post(url, data=body, headers=headers) as response:
                    await response.read()

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
        return count / (time.perf_counter() - started)


def _to(number: int, kind: str) -> str | list[str]:
    if kind == "push":
        return f"U{number:032x}"
    return [f"U{number * 500 + each:032x}" for each in range(500)]


if __name__ == "__main__":
    receipt = wording.load()["ja"].templates["earned"]
    filled = receipt.fill({"points": "10", "balance": "1,230", "when": "2026/01/05 12:04"})
    count = int(sys.argv[2])
    kind = sys.argv[3] if len(sys.argv) > 3 else "push"
    rate = uvloop.run(push(sys.argv[1], count, msgspec.json.decode(filled)[0], kind))
    print(rate, time.process_time() / count * 1e6)
