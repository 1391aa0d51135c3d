"""Rich menus as LINE would take, show and refuse them."""

import struct
from typing import Any

import pytest

from deploy.sandbox import rich_menu_api as api
from deploy.sandbox.people import User
from deploy.sandbox.platform import Platform
from deploy.sandbox.user_acts import follow

MENU = {
    "size": {"width": 2500, "height": 843},
    "selected": True,
    "name": "ゴールド会員",
    "chatBarText": "メニュー",
    "areas": [
        {
            "bounds": {"x": 0, "y": 0, "width": 1250, "height": 843},
            "action": {"type": "postback", "data": "card", "displayText": "会員カード"},
        },
        {
            "bounds": {"x": 1250, "y": 0, "width": 1250, "height": 843},
            "action": {"type": "richmenuswitch", "richMenuAliasId": "page-2", "data": "switch"},
        },
    ],
}


def png(width: int = 2500, height: int = 843, padding: int = 0) -> bytes:
    header = struct.pack(">II", width, height)
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + header + b"\x08\x02" + bytes(padding)


def jpeg(width: int, height: int) -> bytes:
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(10)
    return b"\xff\xd8\xff\xe0\x00\x10" + bytes(14) + frame


@pytest.fixture
def friend(platform: Platform) -> User:
    user = platform.people.add("はなこ")
    follow(platform, user)
    return user


@pytest.fixture
def new_menu(do: Any) -> Any:
    """A menu that has its image, by id."""

    def make() -> str:
        menu_id: str = do(api.create, MENU)[1]["richMenuId"]
        assert do(api.upload, png(), menu_id, media="image/png")[0] == 200
        return menu_id

    return make


def test_a_menu_is_made_shown_listed_and_deleted(do: Any) -> None:
    menu_id = do(api.create, MENU)[1]["richMenuId"]
    assert do(api.get, None, menu_id) == (200, {"richMenuId": menu_id, **MENU})
    assert [menu["richMenuId"] for menu in do(api.list_all)[1]["richmenus"]] == [menu_id]
    assert do(api.delete, None, menu_id)[0] == 200
    assert do(api.get, None, menu_id) == (404, {"message": "richmenu not found"})
    assert do(api.list_all) == (200, {"richmenus": []})


AREA = MENU["areas"][0]  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"size": {"width": 799, "height": 300}}, "size.width"),
        ({"size": {"width": 2501, "height": 843}}, "size.width"),
        ({"size": {"width": 2500, "height": 249}}, "size.height"),
        ({"size": {"width": 800, "height": 552}}, "size"),
        ({"chatBarText": "一二三四五六七八九十一二三四五"}, "chatBarText"),
        ({"chatBarText": ""}, "chatBarText"),
        ({"name": "名" * 301}, "name"),
        ({"selected": "yes"}, "selected"),
        ({"areas": [AREA] * 21}, "areas"),
        ({"areas": [{**AREA, "action": {"type": "camera"}}]}, "areas[0].action.type"),
        ({"areas": [{**AREA, "action": {"type": "postback"}}]}, "areas[0].action.data"),
        (
            {"areas": [{**AREA, "bounds": {"x": 2000, "y": 0, "width": 501, "height": 1}}]},
            "areas[0].bounds",
        ),
        ({"areas": None}, "areas"),
    ],
)
def test_what_line_does_not_allow_is_named(do: Any, change: dict[str, Any], where: str) -> None:
    for handler in (api.create, api.validate):
        status, content = do(handler, {**MENU, **change})
        assert (status, content["details"][0]["property"]) == (400, where)
    assert do(api.list_all) == (200, {"richmenus": []})


@pytest.mark.parametrize(
    "change",
    [
        {"size": {"width": 800, "height": 551}, "areas": []},
        {"chatBarText": "一二三四五六七八九十一二三四"},
        {"chatBarText": "👨‍👩‍👧" * 14},
        {"name": "名" * 300},
        {"areas": [AREA] * 20},
    ],
)
def test_what_is_just_allowed_passes(do: Any, change: dict[str, Any]) -> None:
    assert do(api.validate, {**MENU, **change})[0] == 200


@pytest.mark.parametrize(
    ("image", "media", "status"),
    [
        (png(), "image/png", 200),
        (jpeg(2500, 843), "image/jpeg", 200),
        (png(padding=1024 * 1024 - 26), "image/png", 200),
        (png(padding=1024 * 1024), "image/png", 413),
        (png(), "image/jpeg", 400),
        (png(2500, 1686), "image/png", 400),
        (jpeg(2500, 1686), "image/jpeg", 400),
        (b"", "image/png", 400),
        (b"GIF89a", "image/png", 400),
        (b"\xff\xd8\xff\xe0\x00", "image/jpeg", 400),
    ],
)
def test_an_image_must_fit(do: Any, image: bytes, media: str, status: int) -> None:
    menu_id = do(api.create, MENU)[1]["richMenuId"]
    assert do(api.upload, image, menu_id, media=media)[0] == status
    got = do(api.download, None, menu_id)
    assert got == (
        (200, image) if status == 200 else (404, {"message": "richmenu image not found"})
    )


def test_an_image_is_uploaded_once(do: Any, new_menu: Any) -> None:
    message = "An image has already been uploaded to the richmenu"
    again = do(api.upload, png(), new_menu(), media="image/png")
    assert again == (400, {"message": message})


def test_a_menu_without_an_image_cannot_be_shown(do: Any, friend: User) -> None:
    menu_id = do(api.create, MENU)[1]["richMenuId"]
    many = {"richMenuId": menu_id, "userIds": [friend.user_id]}
    for answer in (
        do(api.set_default, None, menu_id),
        do(api.link, None, friend.user_id, menu_id),
        do(api.bulk_link, many),
    ):
        assert answer == (400, {"message": api.NO_IMAGE})


def test_a_linked_menu_goes_before_the_default(
    do: Any, new_menu: Any, platform: Platform, friend: User
) -> None:
    everyones, own = new_menu(), new_menu()
    assert do(api.get_default) == (404, {"message": "no default richmenu"})
    assert do(api.of_user, None, friend.user_id) == (404, {"message": "the user has no richmenu"})
    do(api.set_default, None, everyones)
    assert do(api.get_default) == (200, {"richMenuId": everyones})
    assert do(api.of_user, None, friend.user_id)[0] == 404

    def seen() -> str | None:
        menu = platform.rich_menus.of_user(friend.user_id)
        return menu and menu.menu_id

    assert seen() == everyones
    do(api.link, None, friend.user_id, own)
    assert do(api.of_user, None, friend.user_id) == (200, {"richMenuId": own})
    assert seen() == own
    do(api.unlink, None, friend.user_id)
    assert seen() == everyones
    do(api.cancel_default)
    assert seen() is None


def test_a_deleted_menu_disappears_from_the_phones(
    do: Any, new_menu: Any, platform: Platform, friend: User
) -> None:
    menu_id = new_menu()
    do(api.set_default, None, menu_id)
    do(api.link, None, friend.user_id, menu_id)
    do(api.delete, None, menu_id)
    assert platform.rich_menus.of_user(friend.user_id) is None
    assert do(api.of_user, None, friend.user_id)[0] == 404
    assert do(api.get_default)[0] == 404


def test_many_are_linked_and_unlinked_at_once(do: Any, new_menu: Any, platform: Platform) -> None:
    users = [platform.people.add(str(n)).user_id for n in range(501)]
    menu_id = new_menu()
    assert do(api.bulk_link, {"richMenuId": menu_id, "userIds": users})[0] == 400
    assert do(api.bulk_link, {"richMenuId": menu_id, "userIds": []})[0] == 400
    stranger = "U" + "0" * 32
    asked = {"richMenuId": menu_id, "userIds": [*users[:499], stranger]}
    assert do(api.bulk_link, asked) == (202, {})
    assert platform.rich_menus.links == dict.fromkeys(users[:499], menu_id)
    bad = do(api.bulk_unlink, {"userIds": [users[0], "hanako"]})
    assert (bad[0], bad[1]["details"][0]["property"]) == (400, "userIds[1]")
    assert do(api.bulk_unlink, {"userIds": users[:500]}) == (202, {})
    assert platform.rich_menus.links == {}


def test_a_batch_replaces_and_removes(do: Any, new_menu: Any, platform: Platform) -> None:
    one, two, three = (platform.people.add(str(n)).user_id for n in range(3))
    old, new, gone = new_menu(), new_menu(), new_menu()
    for user_id, menu_id in ((one, old), (two, gone), (three, new)):
        do(api.link, None, user_id, menu_id)
    link, unlink = {"type": "link", "from": old, "to": new}, {"type": "unlink", "from": gone}
    asked = {"operations": [link, unlink]}
    assert do(api.validate_batch, asked) == (200, {})
    assert do(api.batch, asked) == (202, {})
    assert platform.rich_menus.links == {one: new, three: new}
    assert do(api.batch_progress, requestId="request-1")[1]["phase"] == "succeeded"
    assert do(api.batch_progress, requestId="other")[0] == 404
    everyone = {"type": "unlinkAll"}
    assert do(api.batch, {"operations": [everyone, unlink]})[0] == 400
    assert do(api.batch, {"operations": [everyone]}) == (202, {})
    assert platform.rich_menus.links == {}
    unknown = {"type": "unlink", "from": "richmenu-x"}
    assert do(api.batch, {"operations": [unknown]}) == (400, {"message": "richmenu not found"})


def test_aliases(do: Any, new_menu: Any) -> None:
    first, second = new_menu(), new_menu()
    asked = {"richMenuAliasId": "page-1", "richMenuId": first}
    assert do(api.create_alias, asked) == (200, {})
    assert do(api.create_alias, asked) == (400, {"message": "conflict richmenu alias id"})
    assert do(api.update_alias, {"richMenuId": second}, "page-1") == (200, {})
    alias = {"richMenuAliasId": "page-1", "richMenuId": second}
    assert do(api.get_alias, None, "page-1") == (200, alias)
    assert do(api.list_aliases) == (200, {"aliases": [alias]})
    assert do(api.delete_alias, None, "page-1") == (200, {})
    for answer in (
        do(api.get_alias, None, "page-1"),
        do(api.delete_alias, None, "page-1"),
        do(api.update_alias, {"richMenuId": second}, "page-1"),
    ):
        assert answer == (404, {"message": "richmenu alias not found"})
    for alias_id in ("", "Page", "a" * 33, "頁"):
        assert do(api.create_alias, {"richMenuAliasId": alias_id, "richMenuId": first})[0] == 400
