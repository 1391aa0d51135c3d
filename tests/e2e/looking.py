"""Looking at a page: in which guise, what it complains of, whether it fits, and a picture of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import CDPSession, Page

from deploy.local.layout import DEFAULT_FOLDER

SCREENSHOTS = DEFAULT_FOLDER / "screenshots"

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
        # Through the protocol: the pages' policy forbids what Playwright's own evaluation needs.
        answer = await self.devtools.send("Runtime.evaluate", {"expression": _FITS})
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        assert not answer["result"]["value"], f"{self.page.url}\n{answer['result']['value']}"

    async def picture(self, name: str, *, full: bool = False) -> Path:
        """A screenshot to be looked at by people."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        await self.page.screenshot(path=path, full_page=full)
        return path


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
