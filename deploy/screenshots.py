"""`python -m deploy.screenshots`: the pictures of the README, from the running local start.

A new customer follows the shop in the sandbox's phone and buys at its till until they are silver;
others have bought for five weeks (`showcase.py`). The pictures are what the pages then show. Needs
Chromium and `make up`; leaves those customers behind. Meanwhile there are no quiet hours, or by
night the rank would be told in the morning.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

from deploy import showcase
from deploy.local.layout import ROOT
from deploy.local.stack import Stack

IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 250_000
PATIENCE_MS = 20_000
PURCHASES = (1_000, 3_000, 12_800)


SHOP = {
    "console.png": ("/console", 1180),
    "members.png": ("/console/members", 860),
    "program.png": ("/console/program", 860),
    "messages.png": ("/console/messages", 860),
}  # each with how much of it is shown, in CSS pixels
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def main() -> None:
    """Take all pictures; exits with a word on what is missing."""
    stack = Stack()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not stack.is_running():
        sys.exit("nothing runs: `make up` first")
    if chromium is None:
        sys.exit("not installed: chromium")
    env = stack.env
    expect.set_options(timeout=PATIENCE_MS)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with awake(env), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        user = take_phone(browser, env["SANDBOX_URL"], IMAGES / "phone.png")
        take_card(browser, f"{env['EDGE_URL']}/card#sandbox-user={user}", IMAGES / "card.png")
        take_shop(browser, env, showcase.open_shop(env))
        browser.close()


@contextmanager
def awake(env: dict[str, str]) -> Iterator[None]:
    """No quiet hours; the owner's settings are put back at the end."""
    before = _settings(env)
    _settings(env, {"categories": {"rank": {"quiet": None}}})
    try:
        yield
    finally:
        _settings(env, before)


def _settings(env: dict[str, str], put: Any = None) -> Any:
    url = f"{env['EDGE_URL']}/v1/messages/settings"
    headers = {"Authorization": f"Bearer {env['OWNER_API_KEY']}"}
    method = "GET" if put is None else "PUT"
    answer = httpx.request(method, url, json=put, headers=headers)
    return answer.raise_for_status().json()["settings"]


def take_phone(browser: Browser, url: str, path: Path) -> str:
    """The phone with a conversation, beside the till; returns the customer's LINE user id."""
    page = browser.new_page(
        viewport={"width": 1280, "height": 900}, locale="ja-JP", timezone_id="Asia/Tokyo"
    )
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    page.locator("#new-user").click()
    page.locator("#name").fill("はなこ")
    page.locator("#join button").click()
    expect(page.locator(".got .flex-bubble").first).to_contain_text("ご登録ありがとうございます")
    for amount in PURCHASES:
        _buy(page, amount)
    expect(page.locator(".got .flex-bubble").last).to_contain_text("シルバー")
    menu = page.locator("#rich-menu img")
    expect(menu).to_have_attribute("alt", re.compile("silver-ja"))
    expect(menu).to_have_js_property("complete", True)
    _save(page.screenshot(), path)
    user = page.locator("#users").input_value()
    page.close()
    return user


def _buy(page: Page, amount: int) -> None:
    told = page.locator(".got .flex-bubble").filter(has_text="ポイントが付きました")
    before = told.count()
    expect(page.locator("#card")).not_to_have_value("")
    page.locator("#amount").fill(str(amount))
    page.locator("#till [type=submit]").click()
    expect(told).to_have_count(before + 1)


def take_card(browser: Browser, url: str, path: Path) -> None:
    """The member card as the customer sees it."""
    page = browser.new_page(
        viewport={"width": 390, "height": 930},
        device_scale_factor=1.5,
        locale="ja-JP",
        timezone_id="Asia/Tokyo",
    )
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    expect(page.locator(".history time").first).not_to_be_empty()
    _save(page.screenshot(), path)
    page.close()


def take_shop(browser: Browser, env: dict[str, str], card: str) -> None:
    """What the demo's owner sees of it, and the counter with a customer before it."""
    context = browser.new_context(locale="ja-JP", timezone_id="Asia/Tokyo")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{env['EDGE_URL']}/sign-in")
    page.locator("[name=login]").fill(env["OWNER_LOGIN"])
    page.locator("[name=password]").fill(env["OWNER_PASSWORD"])
    page.locator("[type=submit]").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    for name, (address, height) in SHOP.items():
        page.set_viewport_size({"width": 1280, "height": height})
        page.goto(env["EDGE_URL"] + address, wait_until="networkidle")
        expect(page.locator("main .htmx-request, figure:not([data-drawn]) canvas")).to_have_count(0)
        _save(page.screenshot(), IMAGES / name)
    _take_counter(page, f"{env['EDGE_URL']}/counter", card)
    context.close()


def _take_counter(page: Page, url: str, card: str) -> None:
    """On a tablet: who it is, and the points before they are given."""
    page.set_viewport_size({"width": 1024, "height": 768})
    page.goto(url)
    if "/session/store" in page.url:
        page.locator("main [type=submit]").first.click()
    page.locator("#code").fill(card)
    page.locator("#code").press("Enter")
    page.locator("#amount").fill("2480")
    expect(page.locator("#preview-main")).to_contain_text(re.compile("[0-9]"))
    expect(page.locator("#confirm")).to_be_enabled()
    _save(page.screenshot(animations="disabled"), IMAGES / "counter.png")


def _save(picture: bytes, path: Path) -> None:
    if len(picture) > MOST_BYTES:
        sys.exit(f"{path.name} would have {len(picture)} bytes; {MOST_BYTES} is the most")
    path.write_bytes(picture)
    print(f"{path.relative_to(ROOT)}: {len(picture) // 1000} KB")


if __name__ == "__main__":
    main()
