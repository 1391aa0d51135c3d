"""Looking at a page: in which guise, what it complains of, whether it fits, and a picture of it."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import CDPSession, Page

from deploy.local.layout import DEFAULT_FOLDER

SCREENSHOTS = DEFAULT_FOLDER / "screenshots"
WANTED = os.environ.get("PICTURES", "") not in ("", "0")
"""Whether there is somebody to look at pictures: taking them costs a sixth of the time."""

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_FITS = (Path(__file__).parent / "fits.js").read_text()
_TOUCH = (Path(__file__).parent / "touch.js").read_text()
_LINKS = """[...document.querySelectorAll("main a[href]")].map((each) => {
  const listed = !each.closest("nav") && each.closest("table, ul, ol");
  return listed ? each.pathname.replace(/[^/]+$/, "*") + " " + each.pathname : each.pathname;
}).join("\\n")"""
_UNFOLD = 'for (const each of document.querySelectorAll("main details")) each.open = true; ""'
_DIALOGS = '[...document.querySelectorAll("dialog:not([open])")].map((each) => each.id).join(" ")'
_SETTLED = """new Promise((done) => {
  const loading = () => document.readyState !== "complete"
    || document.querySelector(".htmx-request, body.busy, figure[data-chart]:not([data-drawn])");
  let calm = 0;
  const look = () => {
    calm = loading() ? 0 : calm + 1;
    if (calm > 2) done(); else requestAnimationFrame(look);
  };
  look();
}).then(() => document.fonts.ready).then(() => "")"""


class Look(NamedTuple):
    """How somebody looks at the pages; sizes in CSS pixels, `language` ja or en."""

    width: int
    height: int
    language: str = "ja"
    dark: bool = False

    @property
    def name(self) -> str:
        return f"{self.width}-{self.language}-{'dark' if self.dark else 'light'}"


PHONE, SMALL_PHONE, DESKTOP = (390, 844), (320, 640), (1280, 900)


@dataclass
class Watched:
    """What a page complained of: errors, violations of its policy, dialogs."""

    page: Page
    devtools: CDPSession
    complaints: list[str] = field(default_factory=list)

    async def fits(self) -> None:
        """Nothing is cut off, lies over something else or scrolls sideways (see `fits.js`)."""
        self._assert_none(await self.value(_FITS))

    async def touchable(self) -> None:
        """Every control is large enough for a thumb (see `touch.js`)."""
        self._assert_none(await self.value(_TOUCH))

    async def settled(self) -> None:
        """Wait until the page's parts have come and its charts are drawn."""
        await self.value(_SETTLED)

    async def links(self) -> dict[str, str]:
        """Where the page's own content leads: one path of each kind. What a table or a list names
        is of one kind, `/somewhere/*`."""
        found = [line.split() for line in (await self.value(_LINKS)).splitlines()]
        return {words[0]: words[-1] for words in reversed(found)}

    async def unfold(self) -> None:
        """Open everything that opens in place."""
        await self.value(_UNFOLD)

    async def dialogs(self) -> list[str]:
        """The ids of the page's dialogs."""
        return (await self.value(_DIALOGS)).split()

    async def show(self, dialog: str) -> None:
        """Open this dialog and none else."""
        close = 'for (const each of document.querySelectorAll("dialog[open]")) each.close();'
        await self.value(f'{close} document.getElementById("{dialog}").showModal(); ""')

    async def value(self, expression: str) -> str:
        """Through the protocol: the pages' policy forbids what Playwright's own way needs."""
        call = {"expression": expression, "awaitPromise": True}
        answer = await self.devtools.send("Runtime.evaluate", call)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        value: str = answer["result"]["value"]
        return value

    def _assert_none(self, findings: str) -> None:
        assert not findings, f"{self.page.url} at {self.page.viewport_size}\n{findings}"

    async def picture(self, name: str, *, full: bool = False) -> None:
        """A screenshot to be looked at by people, if anybody asked for it (PICTURES=1)."""
        await picture(self.page, name, full=full)


async def picture(page: Page, name: str, *, full: bool = False) -> None:
    """The same of any page."""
    if WANTED:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full)


async def watched(page: Page) -> Watched:
    """Listen to everything that the page and its frames complain of."""
    seen = Watched(page, await page.context.new_cdp_session(page))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("dialog", lambda dialog: seen.complaints.append(dialog.message))
    page.on(
        "console",
        lambda line: (
            seen.complaints.append(f"{line.text} ({line.location.get('url')})")
            if line.type in ("error", "warning")
            else None
        ),
    )
    return seen
