"""What somebody sees whose link leads nowhere: a page of our own, never the address that was asked.

The pages are constant, so they are made once; nothing of the request is in them.
"""

import base64
import hashlib
from typing import NamedTuple

from starlette.responses import HTMLResponse, Response


class _Words(NamedTuple):
    title: str
    text: str


_STYLE = """
:root { color-scheme: light dark; --paper: #f6f4ef; --panel: #fff; --ink: #22201c;
  --quiet: #6b655c; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #191816; --panel: #24221f; --ink: #f2efe9; --quiet: #a9a297; }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px;
  box-sizing: border-box; background: var(--paper); color: var(--ink);
  font: 16px/1.8 system-ui, "Hiragino Sans", "Noto Sans JP", sans-serif; }
main { max-width: 26rem; padding: 28px 24px; border-radius: 16px; background: var(--panel);
  box-shadow: 0 1px 3px #0002; }
h1 { margin: 0 0 8px; font-size: 1.2rem; line-height: 1.5; }
p { margin: 0; text-wrap: pretty; word-break: auto-phrase; }
[lang=en] { margin-top: 20px; color: var(--quiet); font-size: .875rem; }
[lang=en] h2 { margin: 0; font-size: inherit; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_UNKNOWN = (
    _Words(
        "このリンクは使えません",
        "リンクが間違っているか、途中で切れています。LINEのメッセージや掲示物から、もう一度開いてください。",
    ),
    _Words(
        "This link leads nowhere",
        "It is mistyped or was cut short. Open it again from the message or poster.",
    ),
)
_LATER = (
    _Words(
        "いま開けません",
        "少し時間をおいて、もう一度お試しください。",
    ),
    _Words("Not just now", "Please try again in a moment."),
)


def _page(words: tuple[_Words, _Words]) -> bytes:
    ja, en = words
    return (
        '<!doctype html><html lang="ja"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{ja.title}</title><style>{_STYLE}</style>"
        f"<main><h1>{ja.title}</h1><p>{ja.text}</p>"
        f'<div lang="en"><h2>{en.title}</h2><p>{en.text}</p></div></main></html>'
    ).encode()


_UNKNOWN_PAGE, _LATER_PAGE = _page(_UNKNOWN), _page(_LATER)


def unknown() -> Response:
    """404: there is no such link."""
    return HTMLResponse(_UNKNOWN_PAGE, 404, _HEADERS)


def later() -> Response:
    """503: it cannot be looked up now."""
    return HTMLResponse(_LATER_PAGE, 503, {**_HEADERS, "Retry-After": "5"})
