"""The libraries that npm brought, under the policy of our own pages: they run, and they read codes.

A newer version that needs more than the policy allows, or reads less, is seen here.
"""

import io
from typing import Any

import barcode
import pytest
import pytest_asyncio
import segno
from barcode.writer import ImageWriter
from playwright.async_api import Browser, Route

from deploy.local.browser import STATIC
from deploy.local.layout import ROOT
from shared.web.pages import policy
from tests.e2e.looking import Watched, watched
from tests.e2e.reading_codes import READ, address_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

CODE = "https://liff.line.me/1234567890-AbCdEfGh?t=c2lnbmVk.b3IgZWxzZQ"
CARD = "2959016634168"
PAGE = """<!doctype html><html lang="ja"><title>x</title>
<meta name="htmx-config" content='{"includeIndicatorStyles": false, "allowEval": false}'>
<script src="/htmx.min.js"></script><script src="/chart.min.js"></script>
<script src="/scanner.min.js"></script>
<canvas id="drawn" width="300" height="150"></canvas>
<button hx-get="/part" hx-target="#place">x</button><p id="place"></p>"""
DRAW = """(() => {
  new Chart(document.getElementById("drawn"), {
    type: "bar", data: { labels: ["a"], datasets: [{ data: [1], backgroundColor: "#000" }] },
    options: { animation: false, responsive: false },
  });
  const pixels = document.getElementById("drawn").getContext("2d").getImageData(150, 100, 1, 1);
  return String(pixels.data[3]);
})()"""
FETCH = """new Promise((done) => {
  document.body.addEventListener("htmx:afterSettle", () => done(document.body.innerText), true);
  document.querySelector("button").click();
})"""


async def serve(route: Route) -> None:
    name = route.request.url.rsplit("/", 1)[1]
    if name.endswith(".js"):
        body, kind = (ROOT / STATIC / name).read_text(encoding="utf-8"), "text/javascript"
    else:
        body, kind = ("brought" if name == "part" else PAGE), "text/html"
    headers = {"Content-Security-Policy": policy()}
    await route.fulfill(body=body, content_type=f"{kind}; charset=utf-8", headers=headers)


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> Any:
    context = await browser.new_context()
    page = await context.new_page()
    await page.route("**/*", serve)
    seen = await watched(page)
    await page.goto("http://libraries.localhost/")
    yield seen
    await context.close()
    assert seen.complaints == []


def png(write: Any) -> str:
    picture = io.BytesIO()
    write(picture)
    return address_of(picture.getvalue())


@pytest.mark.parametrize(
    ("picture", "text"),
    [
        (png(lambda to: segno.make_qr(CODE).save(to, kind="png", scale=6)), CODE),
        (png(lambda to: barcode.get("ean13", CARD, writer=ImageWriter()).write(to)), CARD),
    ],
    ids=["qr", "ean-13"],
)
async def test_codes_are_read(page: Watched, picture: str, text: str) -> None:
    assert await page.value(READ % picture) == text


async def test_charts_are_drawn_and_parts_are_brought(page: Watched) -> None:
    assert await page.value(DRAW) == "255"
    assert "brought" in await page.value(FETCH)
