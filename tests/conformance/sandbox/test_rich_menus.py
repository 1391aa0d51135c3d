"""Rich menus through LINE's official client, images included."""

import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
from linebot.v3.messaging import (
    ApiException,
    AsyncApiClient,
    AsyncMessagingApiBlob,
    Configuration,
    CreateRichMenuAliasRequest,
    RichMenuBatchLinkOperation,
    RichMenuBatchRequest,
    RichMenuBulkLinkRequest,
    RichMenuBulkUnlinkRequest,
    RichMenuRequest,
    UpdateRichMenuAliasRequest,
)

MENU = RichMenuRequest.from_dict(
    {
        "size": {"width": 1200, "height": 405},
        "selected": False,
        "name": "standard",
        "chatBarText": "メニュー",
        "areas": [
            {
                "bounds": {"x": 0, "y": 0, "width": 600, "height": 405},
                "action": {"type": "uri", "label": "Card", "uri": "https://liff.line.me/1-a"},
            },
        ],
    }
)
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 1200, 405) + b"\x08\x02"


@pytest.fixture
async def blobs(base: str) -> AsyncIterator[AsyncMessagingApiBlob]:
    async with AsyncApiClient(Configuration(host=base, access_token="token")) as client:
        yield AsyncMessagingApiBlob(client)


async def new_menu(line: Any, blobs: Any) -> str:
    made: str = (await line.create_rich_menu(MENU)).rich_menu_id
    await blobs.set_rich_menu_image(made, body=PNG, _headers={"Content-Type": "image/png"})
    return made


async def test_a_menu_from_its_making_to_its_end(line: Any, blobs: Any, friend: Any) -> None:
    await line.validate_rich_menu_object(MENU)
    menu = await new_menu(line, blobs)
    assert bytes(await blobs.get_rich_menu_image(menu)) == PNG
    assert (await line.get_rich_menu(menu)).chat_bar_text == "メニュー"
    assert [one.rich_menu_id for one in (await line.get_rich_menu_list()).richmenus] == [menu]
    await line.set_default_rich_menu(menu)
    assert (await line.get_default_rich_menu_id()).rich_menu_id == menu
    await line.cancel_default_rich_menu()
    await line.link_rich_menu_id_to_user(friend.user_id, menu)
    assert (await line.get_rich_menu_id_of_user(friend.user_id)).rich_menu_id == menu
    await line.unlink_rich_menu_id_from_user(friend.user_id)
    for gone in (line.get_default_rich_menu_id(), line.get_rich_menu_id_of_user(friend.user_id)):
        with pytest.raises(ApiException) as missing:
            await gone
        assert missing.value.status == 404
    await line.delete_rich_menu(menu)
    assert (await line.get_rich_menu_list()).richmenus == []


async def test_many_users_and_batches(line: Any, blobs: Any, friend: Any) -> None:
    menu, other = await new_menu(line, blobs), await new_menu(line, blobs)
    to = [friend.user_id]
    await line.link_rich_menu_id_to_users(RichMenuBulkLinkRequest(richMenuId=menu, userIds=to))
    operation = RichMenuBatchLinkOperation.from_dict({"type": "link", "from": menu, "to": other})
    batch = RichMenuBatchRequest(operations=[operation])
    await line.validate_rich_menu_batch_request(batch)
    answer = await line.rich_menu_batch_with_http_info(batch)
    progress = await line.get_rich_menu_batch_progress(answer.headers["x-line-request-id"])
    assert progress.phase == "succeeded"
    assert (await line.get_rich_menu_id_of_user(friend.user_id)).rich_menu_id == other
    await line.unlink_rich_menu_id_from_users(RichMenuBulkUnlinkRequest(userIds=to))
    with pytest.raises(ApiException):
        await line.get_rich_menu_id_of_user(friend.user_id)


async def test_aliases(line: Any, blobs: Any) -> None:
    menu, other = await new_menu(line, blobs), await new_menu(line, blobs)
    await line.create_rich_menu_alias(
        CreateRichMenuAliasRequest(richMenuAliasId="page-1", richMenuId=menu)
    )
    await line.update_rich_menu_alias("page-1", UpdateRichMenuAliasRequest(richMenuId=other))
    assert (await line.get_rich_menu_alias("page-1")).rich_menu_id == other
    assert len((await line.get_rich_menu_alias_list()).aliases) == 1
    await line.delete_rich_menu_alias("page-1")
    assert (await line.get_rich_menu_alias_list()).aliases == []


async def test_a_hundred_menus_an_hour(line: Any) -> None:
    for _ in range(100):
        await line.create_rich_menu(MENU)
    with pytest.raises(ApiException) as refused:
        await line.create_rich_menu(MENU)
    assert refused.value.status == 429
