"""The customers' pages: card, visits, joining, linking. They wear the shop's look, not ours.

They share templates, language and lasting addresses with all pages (`PAGES`), but are light: their
own small style, and framed by nobody but the sandbox's phone.
"""

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.points.brand.shown import Shown
from services.points.settings import LINE, WebSettings
from services.points.web.pages import PAGES
from shared.web.language import language_of

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Cookie, Accept-Language",
}


async def brand_of(request: Request) -> Shown:
    """The shop's look as it is now."""
    async with request.app.state.process.pool.acquire() as connection:
        shown: Shown = await request.app.state.brand.shown(connection)
    return shown


def page(
    request: Request,
    template: str,
    brand: Shown,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page in the shop's look."""
    settings: WebSettings = request.app.state.settings
    html = PAGES.html(
        request, template, brand=brand, liff_id=settings.liff_id, sdk=settings.liff_sdk, **values
    )
    given = {"Content-Security-Policy": policy(settings), **_HEADERS, **(headers or {})}
    return HTMLResponse(html, status, given)


def fragment(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A part of a page."""
    return HTMLResponse(PAGES.html(request, template, **values), status, _HEADERS)


def said(request: Request, ja: str, en: str) -> str:
    """A sentence in the reader's language."""
    return en if language_of(request) == "en" else ja


def policy(settings: WebSettings, form_action: str = "'none'") -> str:
    """Only our own script and LINE's; framed by nobody but the sandbox's phone."""
    sdk = "/".join(settings.liff_sdk.split("/")[:3])
    if settings.line_api_base == LINE:
        api, frame = "https://api.line.me https://liffsdk.line-scdn.net", "'none'"
    else:
        api, frame = sdk, sdk
    return (
        f"default-src 'none'; script-src 'self' {sdk}; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self' {api}; worker-src 'self'; base-uri 'none'; "
        f"form-action {form_action}; frame-ancestors {frame}"
    )
