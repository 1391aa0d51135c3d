"""The shop's look over HTTP: who changes it, where it is seen, how it is served."""

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.integration.points.card_phone import Phone, signed_in
from tests.integration.points.shop import Points, owner, pos

__all__ = ["signed_in"]

HOSTILE = '"><img src=x onerror=alert(1)>'

pytestmark = pytest.mark.usefixtures("signed_in")


def drawing(format: str = "PNG", color: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), color).save(out, format)
    return out.getvalue()


async def put(points: Points, **body: Any) -> httpx.Response:
    return await points.client.put("/v1/brand", json=body, headers=owner())


async def send(points: Points, kind: str, content: bytes) -> httpx.Response:
    return await points.client.put(f"/v1/brand/{kind}", content=content, headers=owner())


async def test_every_customers_page_wears_it(points: Points) -> None:
    first = (await points.client.get("/v1/brand", headers=pos())).json()
    assert (first["revision"], first["color"], first["name_ja"]) == (0, "#0b6b4f", "")
    changed = await put(points, name_ja="たまる珈琲", name_en="Tamaru Coffee", color="#FFD400")
    assert changed.status_code == 200, changed.text
    look = changed.json()
    assert (look["revision"], look["color"], look["light"]["on"]) == (1, "#ffd400", "#101613")
    assert look["light"]["contrast"] >= 4.5
    assert look["advice"][0]["en"].startswith("This colour is light")
    logo = (await send(points, "logo", drawing())).json()["logo"]
    picture = (await send(points, "picture", drawing("JPEG"))).json()["picture"]
    assert (logo["width"], logo["height"]) == (256, 171)
    for path in ("/card", "/link?linkToken=x", "/join/unknown", "/card/visit", "/"):
        page = await points.client.get(path)
        assert "/static/brand.css?v=" in page.text, path
        assert logo["url"] in page.text, path
    card = (await points.client.get("/card")).text
    assert "たまる珈琲" in card
    assert picture["url"] in card
    assert (
        "Tamaru Coffee" in (await points.client.get("/card?", headers={"Cookie": "lang=en"})).text
    )


async def test_what_is_served_is_kept_for_ever_and_is_nothing_but_what_it_is(
    points: Points,
) -> None:
    await put(points, color="#123456")
    url = (await send(points, "logo", drawing("WEBP"))).json()["logo"]["url"]
    answer = await points.client.get(url)
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    other = (await send(points, "logo", drawing(color="blue"))).json()["logo"]["url"]
    assert other != url
    assert (await points.client.get(url)).status_code == 404
    page = (await points.client.get("/card")).text
    style = page.partition('href="/static/brand.css')[2].partition('"')[0]
    sheet = await points.client.get(f"/static/brand.css{style}")
    assert sheet.text.startswith(":root{--brand:#123456;")
    assert "immutable" in sheet.headers["cache-control"]
    assert (await points.client.get("/static/brand.css?v=old")).headers["cache-control"] == (
        "no-cache"
    )
    gone = await points.client.delete("/v1/brand/logo", headers=owner())
    assert (gone.json()["logo"], gone.json()["revision"]) == (None, 4)


async def test_only_owners_change_it_and_nobody_overwrites_another(points: Points) -> None:
    assert (await points.client.put("/v1/brand", json={}, headers=pos())).status_code == 403
    assert (
        await points.client.put("/v1/brand/logo", content=drawing(), headers=pos())
    ).status_code == 403
    assert (await put(points, color="#123456", revision=0)).json()["revision"] == 1
    late = await put(points, color="#654321", revision=0)
    assert (late.status_code, late.json()["type"]) == (412, "urn:tamaru:problem:out-of-date")
    for bad in (
        {"color": "red"},
        {"color": "#12345g"},
        {"name_ja": "a\x00"},
        {"name_ja": "あ" * 41},
    ):
        assert (await put(points, **bad)).status_code == 422, bad
    tried = await points.client.get("/v1/brand/preview?color=%23654321", headers=pos())
    assert tried.json()["color"] == "#654321"
    assert (await points.client.get("/v1/brand", headers=pos())).json()["color"] == "#123456"


async def test_what_is_no_picture_is_refused(points: Points) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    for content in (svg, b"", b"<html>", drawing("GIF")):
        refused = await send(points, "logo", content)
        assert (refused.status_code, refused.json()["type"]) == (
            422,
            "urn:tamaru:problem:not-a-picture",
        )
    heavy = await send(points, "logo", bytes(5_000_001))
    assert heavy.status_code == 413
    assert (await send(points, "cover", drawing())).status_code == 422
    assert (await points.client.get("/v1/brand", headers=pos())).json()["revision"] == 0


async def test_a_hostile_name_is_text(points: Points) -> None:
    assert (await put(points, name_ja=HOSTILE, name_en=HOSTILE)).is_success
    await points.follow("U" + "f" * 32)
    await points.member("U" + "f" * 32)
    phone = Phone(points, "U" + "f" * 32)
    await phone.send("GET", "/card/view")
    for path in ("/card", "/link?linkToken=x", "/join/unknown", "/card/visit", "/card/view", "/"):
        assert "<img src=x" not in (await phone.send("GET", path)).text, path
