"""Which language a reader gets: Japanese first, English for those who prefer it.

Texts stand in both languages side by side where they are used: `t("会員", "Members")` in templates.
"""

from typing import Literal

from starlette.requests import Request

Language = Literal["ja", "en"]
COOKIE = "lang"
"""Set by the switch on a page; it holds no more than the two letters."""


def language_of(request: Request) -> Language:
    """What the reader chose, else what their browser prefers, else Japanese."""
    chosen = request.cookies.get(COOKIE)
    if chosen in ("ja", "en"):
        return "en" if chosen == "en" else "ja"
    return "en" if request.headers.get("accept-language", "").lower().startswith("en") else "ja"
