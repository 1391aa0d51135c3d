"""Requests are judged where they arrive: at a stand-in of a test, and at a sandbox in process."""

from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.conformance.openapi import Judge, judged
from tests.listening import listening

PUSH = "/v2/bot/message/push"
TYPO = {"to": "U" + "0" * 32, "messages": [{"type": "text", "txt": "a"}]}


async def post(url: str) -> None:
    headers = {"authorization": "Bearer token"}
    async with (
        aiohttp.ClientSession(trust_env=False) as http,
        http.post(url + PUSH, json=TYPO, headers=headers),
    ):
        pass


async def test_a_sandbox_in_process_tells_of_each_request(base: str, sandbox: Any) -> None:
    found = judged(sandbox.platform)
    await post(base)
    assert "messages[0].txt: unknown field (rule)" in found


@pytest.mark.parametrize("times", [1, 2])
async def test_a_stand_in_tells_of_each_kind_of_request(times: int) -> None:
    async def push(_: web.Request) -> web.Response:
        return web.json_response({})

    judge = Judge()
    app = web.Application(middlewares=[judge.middleware()])
    app.router.add_post(PUSH, push)
    async with listening(app) as address:
        for _ in range(times):
            await post(address)
    assert judge.problems().count("messages[0].txt: unknown field (rule)") == 1
