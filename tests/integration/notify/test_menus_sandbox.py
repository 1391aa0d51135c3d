"""Rich menus with the sandbox in LINE's place: what is sent is taken, and shown on the phone."""

import aiohttp
import msgspec
import pytest
from pydantic import SecretStr

from deploy.sandbox.server import running
from deploy.sandbox.settings import SandboxSettings
from services.notify.menus import client
from services.notify.menus.client import MenuClient
from shared import clock
from shared.events import MemberJoined, RankChanged, new_event
from tests.integration.notify.menus_house import MenuLine, Shop, member, open_pool_of, shipped

SETTINGS = SandboxSettings(
    http_host="127.0.0.1",
    http_port=0,
    edge_url="http://127.0.0.1:9",
    line_channel_secret=SecretStr("secret"),
    line_channel_access_token=SecretStr("token"),
    line_login_channel_id="1234567890",
    liff_id="1234567890-abcdefgh",
    pos_api_key=SecretStr("pos-key"),
    owner_api_key=SecretStr("owner-key"),
)


async def test_made_linked_changed_and_deleted(
    database: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "CALLS_PER_SECOND", 1e6)
    async with (
        running(SETTINGS, clock.now) as sandbox,
        open_pool_of(database) as pool,
        MenuClient(f"http://127.0.0.1:{sandbox.port}", "token") as line,
        aiohttp.ClientSession(f"http://127.0.0.1:{sandbox.port}") as script,
    ):
        async with script.post("/sandbox/users", json={"name": "はなこ"}) as answer:
            friend = (await answer.json())["user_id"]
        shop = Shop(pool, MenuLine(), line)

        async def shown() -> str:
            line_id = await line.of_user(friend) or await line.default()
            names = {each.line_id: each.tag for each in await line.every()}
            return names[line_id or ""].split("/")[1]

        await shop.tell(new_event("/points", MemberJoined(member(1), "29", 0, 0, friend)))
        await shop.steps()
        assert await shown() == "member-ja"
        gold = RankChanged(member(1), "up", "gold", "ゴールド", line_user_id=friend)
        await shop.tell(new_event("/points", gold))
        await shop.steps()
        assert await shown() == "gold-ja"
        before = await line.of_user(friend)
        await shop.put(shipped("gold-ja", chatBarText="会員メニュー"))
        await shop.steps()
        after = await line.of_user(friend)
        assert after not in (None, before)
        assert len(await line.every()) == 6, "the one before is deleted"
        await line.delete(after or "")
        await shop.pool.execute("UPDATE menu_sync SET asked = true")
        await shop.steps()
        assert await shown() == "gold-ja"
        await shop.remove("gold-ja")
        await shop.steps()
        assert await shown() == "member-ja"
        assert msgspec.json.encode(await shop.looks()).count(b"made again") == 1
