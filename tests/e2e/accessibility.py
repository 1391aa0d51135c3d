"""What axe-core finds on a page: nothing that keeps somebody from using it may be there."""

from typing import Any

from playwright.async_api import Page

from deploy.local import browser
from deploy.local.layout import DEFAULT_FOLDER, Layout

GRAVE = ("serious", "critical")
SHOWN = 4
_RUN = """
axe.run(%s, {resultTypes: ["violations"], iframes: false, elementRef: false})
  .then((results) => results.violations)
"""


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
    devtools = await page.context.new_cdp_session(page)
    try:
        frame = (await devtools.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        given = {"frameId": frame, "worldName": "axe"}
        world = (await devtools.send("Page.createIsolatedWorld", given))["executionContextId"]
        axe = browser.axe(Layout(DEFAULT_FOLDER)).read_text(encoding="utf-8")
        call = {"contextId": world, "returnByValue": True, "awaitPromise": True}
        await devtools.send("Runtime.evaluate", {"expression": axe, "contextId": world})
        answer = await devtools.send(
            "Runtime.evaluate",
            {"expression": _RUN % (repr(within) if within else "document"), **call},
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        found: list[dict[str, Any]] = answer["result"]["value"]
        return found
    finally:
        await devtools.detach()


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
