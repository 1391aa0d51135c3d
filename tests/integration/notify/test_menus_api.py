"""`/v1/messages/menus`, as owners use it."""

import base64
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from PIL import Image

from services.notify.menus import client
from tests.integration.notify.links_house import READ_KEY, House, house
from tests.integration.notify.menus_house import joined, open_shop, ranked, shipped, user

PATH = "/v1/messages/menus"
SMALL = {"width": 800, "height": 250}


@pytest.fixture
async def shop(servers: Any, database: Any, namespace: str) -> AsyncIterator[House]:
    async with house(servers, database, namespace) as open_house:
        yield open_house


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "#3a2f1d").save(file, "PNG")
    return file.getvalue()


def document(**changes: Any) -> dict[str, Any]:
    """A small menu that brings its image."""
    image = base64.b64encode(png(800, 250)).decode()
    return shipped("gold-ja", name="vip", size=SMALL, image=image) | changes


async def put(shop: House, content: dict[str, Any], name: str = "vip") -> httpx.Response:
    return await shop.ask("PUT", f"{PATH}/{name}", json=content)


async def test_a_menu_is_kept_shown_and_deleted(shop: House, database: Any) -> None:
    answer = await put(shop, document())
    assert answer.status_code == 200, answer.text
    kept = answer.json()
    assert (kept["state"], kept["image_given"], kept["line_id"]) == ("making", True, None)
    assert "image" not in kept["document"]
    image = await shop.ask("GET", f"{PATH}/vip/image", READ_KEY)
    assert (image.headers["content-type"], image.content) == ("image/png", png(800, 250))
    listed = (await shop.ask("GET", PATH, READ_KEY)).json()
    assert [each["name"] for each in listed["items"]] == ["vip"]
    assert (await shop.ask("DELETE", f"{PATH}/vip")).status_code == 204
    assert (await shop.ask("DELETE", f"{PATH}/vip")).status_code == 404
    assert (await shop.ask("GET", f"{PATH}/vip")).status_code == 404
    assert (await shop.ask("GET", f"{PATH}/vip/image")).status_code == 404


async def test_it_says_how_many_have_it_and_what_a_look_found(
    shop: House, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "CALLS_PER_SECOND", 1e6)
    async with open_shop(database, emptied=False) as menus:
        await menus.tell(joined(1), joined(2))
        await menus.tell(ranked(1, "gold"))
        await menus.steps()
        page = (await shop.ask("GET", PATH)).json()
        people = {each["name"]: each["people"]["linked"] for each in page["items"]}
        assert (people["gold-ja"], people["member-ja"], people["gold-en"]) == (1, 1, 0)
        assert {each["state"] for each in page["items"]} == {"shown"}
        assert [each["name"] for each in page["items"] if each["default"]] == ["member-ja"]
        menus.line.links.pop(user(1))
        assert (await shop.ask("POST", f"{PATH}/sync")).status_code == 202
        await menus.steps()
        page = (await shop.ask("GET", PATH)).json()
        assert page["looked_at"]
        assert "linked again" in page["looks"][0]["found"][0]
        assert user(1) in menus.line.links


async def test_everything_wrong_is_said_at_once_and_nothing_is_kept(shop: House) -> None:
    wrong = document(chatBarText="あ" * 15, applies={}, areas=[], image="?")
    wrong["grid"] = {"columns": 0, "rows": 2, "depth": 1}
    for method, path in (("POST", "check"), ("PUT", "vip"), ("POST", "preview")):
        answer = await shop.ask(method, f"{PATH}/{path}", json=wrong)
        errors = {each["path"] for each in answer.json()["errors"]}
        assert errors == {"chatBarText", "areas", "grid.columns", "grid.depth"}
        assert answer.status_code == (200 if path == "check" else 422)
    assert (await shop.ask("GET", PATH)).json()["items"] == []


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        ("%%%", "must be base64"),
        (base64.b64encode(b"GIF89a").decode(), "must be a JPEG or a PNG"),
        (base64.b64encode(png(800, 251)).decode(), "is 800 x 251"),
        (base64.b64encode(png(800, 250)[:60]).decode(), "cannot be read"),
        (base64.b64encode(png(800, 250).ljust(1024 * 1024 + 1, b" ")).decode(), "too large"),
    ],
)
async def test_an_image_that_line_would_refuse_is_refused(
    shop: House, image: str, fault: str
) -> None:
    answer = await put(shop, document(image=image))
    assert answer.status_code == 422
    assert fault in answer.json()["errors"][0]["message"]


async def test_a_preview_is_drawn(shop: House) -> None:
    content = document(image=None)
    answer = await shop.ask("POST", f"{PATH}/preview", READ_KEY, json=content)
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (800, 250)


async def test_there_is_one_default_and_names_are_those_of_addresses(shop: House) -> None:
    default = document(applies={"default": True})
    assert (await put(shop, default)).status_code == 200
    assert (await put(shop, default)).status_code == 200
    second = await put(shop, {**default, "name": "other"}, "other")
    assert (second.status_code, second.json()["type"]) == (
        409,
        "urn:tamaru:problem:another-default",
    )
    assert (await put(shop, default, "third")).status_code == 422
    assert (await put(shop, {**default, "name": "sync"}, "sync")).status_code == 422
    assert (await put(shop, default, "Third")).status_code == 422


async def test_only_owners_change(shop: House) -> None:
    for method, path in (("PUT", "vip"), ("DELETE", "vip"), ("POST", "sync")):
        answer = await shop.ask(method, f"{PATH}/{path}", READ_KEY, json={})
        assert answer.status_code == 403


@pytest.mark.parametrize("letters", ["\x00", "\ud800", "\x1b"])
async def test_words_that_cannot_be_shown_are_refused(shop: House, letters: str) -> None:
    content = document()
    content["areas"][0] = {**content["areas"][0], "label": f"a{letters}"}
    body = json.dumps({**content, "x\ud800": 1}).encode()
    headers = {"content-type": "application/json"}
    answer = await shop.ask("PUT", f"{PATH}/vip", content=body, headers=headers)
    assert answer.status_code == 422
    body = json.dumps(content).encode()
    answer = await shop.ask("PUT", f"{PATH}/vip", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "areas.0.label"
