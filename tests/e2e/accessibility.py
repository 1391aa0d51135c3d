"""What axe-core finds on a page: nothing that keeps somebody from using it may be there."""

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from playwright.async_api import CDPSession, Page

from deploy.local import browser
from deploy.local.layout import DEFAULT_FOLDER, Layout

GRAVE = ("serious", "critical")
SHOWN = 4
_devtools: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()
_RUN = """
Promise.all(document.getAnimations()
  .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
  .map((each) => each.finished.catch(() => null)))
  .then(() => axe.run(%s, {resultTypes: ["violations"], iframes: false, elementRef: false}))
  .then((results) => results.violations)
"""
"""Judged once colours have faded: what is on its way is neither the one nor the other."""


async def accessible(page: Page, within: str = "") -> None:
    """No serious or critical finding on the page as it stands, or in what `within` selects. Frames
    are pages of their own.

    axe-core runs in a world of its own beside the page, through the browser's protocol: the page's
    policy lets no script of ours in, and must not be loosened for a test.
    """
    violations = await _violations(page, within)
    grave = [each for each in violations if each["impact"] in GRAVE]
    assert not grave, f"{page.url}\n{_readable(grave)}"


async def _violations(page: Page, within: str) -> list[dict[str, Any]]:
    devtools, world = await _world(page)
    call = {"contextId": world, "returnByValue": True, "awaitPromise": True}
    answer = await devtools.send(
        "Runtime.evaluate", {"expression": _RUN % (repr(within) if within else "document"), **call}
    )
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    found: list[dict[str, Any]] = answer["result"]["value"]
    return found


async def _world(page: Page) -> tuple[CDPSession, int]:
    """The world with axe-core in it: one for each document, however often it is judged."""
    if page not in _devtools:
        _devtools[page] = await page.context.new_cdp_session(page)
    devtools = _devtools[page]
    frame = (await devtools.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
    given = {"frameId": frame, "worldName": "axe"}
    world: int = (await devtools.send("Page.createIsolatedWorld", given))["executionContextId"]
    known = {"expression": "Boolean(globalThis.axe)", "contextId": world}
    if not (await devtools.send("Runtime.evaluate", known))["result"]["value"]:
        await devtools.send("Runtime.evaluate", {"expression": _source(), "contextId": world})
    return devtools, world


@cache
def _source() -> str:
    return browser.axe(Layout(DEFAULT_FOLDER)).read_text(encoding="utf-8")


def _readable(violations: list[dict[str, Any]]) -> str:
    """Each finding with the elements that it is about, and what would mend them."""
    lines = []
    for each in violations:
        lines.append(f"{each['impact']}: {each['help']} ({each['id']})")
        if len(each["nodes"]) > SHOWN:
            lines.append(f"  {len(each['nodes'])} places; the first {SHOWN}:")
        for node in each["nodes"][:SHOWN]:
            lines += [f"  {' '.join(map(str, node['target']))}", f"    {node['html'][:160]}"]
            lines += [f"    {line}" for line in node["failureSummary"].splitlines()]
    return "\n".join(lines)
