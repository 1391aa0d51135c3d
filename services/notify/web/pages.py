"""The pages of this service, in the look that all pages share."""

from pathlib import Path

from shared.web.pages import Pages

_FOLDER = Path(__file__).parent.parent / "pages"
PAGES = Pages(_FOLDER / "templates", {"/static/notify": _FOLDER / "static"})
