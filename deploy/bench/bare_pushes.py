"""The yardstick of pushes: a bare aiohttp client, 64 at a time, in a process of its own, sending
the same receipt as notify does.

`python -m deploy.bench.bare_pushes URL COUNT` prints pushes a second and CPU microseconds a push.
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


async def push(base: str, count: int, message: object) -> float:
    """Push `count` times; pushes a second."""
    left = iter(range(count))
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:

        async def work() -> None:
            for number in left:
                body = msgspec.json.encode({"to": f"U{number:032x}", "messages": [message]})
                headers = {
                    "Authorization": "Bearer token",
                    "Content-Type": "application/json",
                    "X-Line-Retry-Key": str(uuid.uuid4()),
                }
                url = f"{base}/v2/bot/message/push"
                async with session.post(url, data=body, headers=headers) as response:
                    await response.read()

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
        return count / (time.perf_counter() - started)


if __name__ == "__main__":
    receipt = wording.load()["ja"].templates["earned"]
    filled = receipt.fill({"points": "10", "balance": "1,230", "when": "2026/01/05 12:04"})
    count = int(sys.argv[2])
    rate = uvloop.run(push(sys.argv[1], count, msgspec.json.decode(filled)[0]))
    print(rate, time.process_time() / count * 1e6)
