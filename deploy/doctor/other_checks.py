"""The cache, LINE, and the processes themselves."""

import asyncio
import re
from collections.abc import Iterator, Sequence

import aiohttp
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError

from deploy.doctor.findings import Finding, bad, good
from deploy.doctor.surroundings import Surroundings
from services.notify.connection.line import Connection, Login
from services.notify.connection.steps import Step

SECONDS = 5.0
LATE_SECONDS = 60.0
_OLDEST = re.compile(r'^tamaru_bus_oldest_event_seconds\{queue="points\.awards"\} (\S+)$', re.M)


async def cache(here: Surroundings) -> list[Finding]:
    """Whether it answers. Nothing is lost without it."""
    url = here.get("REDIS_URL")
    if not url:
        return [bad("cache", "REDIS_URL が未設定です。", "REDIS_URL is not set.", ".env.example")]
    try:
        options = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
        async with Redis.from_url(url, **options) as redis:  # type: ignore[arg-type]
            await redis.ping()
    except AuthenticationError:
        ja, en = "キャッシュがパスワードを受け付けません。", "The cache refuses the password."
        return [bad("cache", ja, en, ".env.example: VALKEY_PASSWORD")]
    except (RedisError, OSError, TimeoutError, ValueError):
        return [
            bad(
                "cache",
                "キャッシュに接続できません。動作は続きますが、回数制限と重複の早期検出が効きません。",
                "The cache cannot be reached. All goes on, but rates are not limited.",
                "docker compose restart valkey",
            )
        ]
    return [good("cache", "応答しています。", "It answers.")]


async def line(here: Surroundings) -> list[Finding]:
    """Whether LINE takes our token, sends us what happens, and lets more messages through."""
    token = here.get("LINE_CHANNEL_ACCESS_TOKEN")
    if not token:
        return [
            bad(
                "line",
                "LINE_CHANNEL_ACCESS_TOKEN が未設定です。通知は送れません。",
                "LINE_CHANNEL_ACCESS_TOKEN is not set: no message can go out.",
                "docs/line-channel.md",
            )
        ]
    login = Login(
        here.get("LINE_LOGIN_CHANNEL_ID"),
        here.get("LINE_LOGIN_CHANNEL_SECRET") or None,
        here.get("LIFF_ID"),
    )
    steps = await Connection(here.line_api_base, token, here.public_url, login).look()
    return list(_of_steps(steps))


def _of_steps(steps: Sequence[Step]) -> Iterator[Finding]:
    """The first step is the token: while LINE refuses it or is away, the others say nothing."""
    first = steps[0]
    if first.state != "good":
        do = "docs/runbooks/TamaruLineTokenRefused.md"
        yield Finding("line", "bad", first.ja, first.en, do)
        return
    states = {"good": "good", "warn": "hint", "bad": "bad", "unknown": "unknown"}
    for step in steps:
        yield Finding("line", states[step.state], step.ja, step.en, "docs/line-channel.md")  # type: ignore[arg-type]


async def processes(here: Surroundings) -> list[Finding]:
    """Whether each process whose address is known answers and has what it needs."""
    if not here.processes:
        return [
            Finding(
                "processes",
                "unknown",
                "プロセスのアドレスがわからないため確認していません(WEBHOOK_URL など)。",
                "No process's address is known, so none was asked (WEBHOOK_URL and so on).",
                "docs/operate.md#what-is-wrong",
            )
        ]
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        asked = [_process(http, name, url) for name, url in here.processes.items()]
        problems = [each for each in await asyncio.gather(*asked) if each]
        late = await _oldest_purchase(http, here.processes.get("points-awards"))
    if problems:
        return [*problems, *late]
    count = len(here.processes)
    ja, en = f"{count} プロセスすべてが応答しています。", f"All {count} processes are ready."
    return [good("processes", ja, en), *late]


async def _process(http: aiohttp.ClientSession, name: str, url: str) -> Finding | None:
    ready = "/healthz" if name == "edge" else "/readyz"
    do = f"docker compose logs --tail 50 {name}"
    try:
        async with http.get(url.rstrip("/") + ready) as answer:
            if answer.status == 200:
                return None
            missing = ", ".join((await answer.json(content_type=None)).get("missing", []))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, AttributeError):
        ja, en = f"{name} が応答しません。", f"{name} does not answer."
        return bad("processes", ja, en, do)
    ja = f"{name} は動いていますが、使えないものがあります: {missing}"
    return bad("processes", ja, f"{name} runs, but lacks: {missing}", do)


async def _oldest_purchase(http: aiohttp.ClientSession, url: str | None) -> list[Finding]:
    if url is None:
        return []
    try:
        async with http.get(f"{url.rstrip('/')}/metrics") as answer:
            found = _OLDEST.search(await answer.text())
    except (aiohttp.ClientError, OSError, TimeoutError):
        return []
    seconds = float(found[1]) if found else 0.0
    if seconds <= LATE_SECONDS:
        return []
    return [
        bad(
            "purchases",
            f"最も古い未処理の購入は {seconds:.0f} 秒前のものです。",
            f"The oldest purchase without its points came {seconds:.0f} s ago.",
            "docs/runbooks/TamaruPurchasesWait.md",
        )
    ]
