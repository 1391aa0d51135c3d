"""Pages: a service's templates in the one look that all pages share.

A page holds no script and no style of its own: what it needs comes from `/static`, so the policy
can forbid everything else. `docs/pages.md` shows how to make one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.problems import Problem, of_http
from shared.web import assets, formats, navigation
from shared.web.language import Language, language_of

_TEMPLATES = Path(__file__).parent / "templates"
POLICY: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Vary": "Cookie, Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def policy(**changed: str) -> str:
    """The Content-Security-Policy; `changed` replaces a directive: `img_src="'self' https://…"`."""
    named = {name.replace("_", "-"): value for name, value in changed.items()}
    return "; ".join(f"{name} {value}" for name, value in {**POLICY, **named}.items())


class Pages:
    """The pages of one service: `templates` are its own, `statics` its files by their address."""

    def __init__(self, templates: Path, statics: Mapping[str, Path]) -> None:
        self.statics = {**statics, "/static/shared": assets.SHARED}
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([templates, _TEMPLATES]),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self._environment.globals.update(t=_t, asset=self.asset)
        self._environment.filters.update(
            number=formats.number,
            signed=formats.signed,
            sentence=formats.sentence,
            money=formats.money,
            day=_day,
            moment=_moment,
        )

    def asset(self, address: str) -> str:
        """The address of a static file with what names its content."""
        folder, _, name = address.removeprefix("/static/").partition("/")
        root = self.statics.get(f"/static/{folder}")
        version = assets.digest(root / name) if root else None
        return f"{address}?v={version}" if version else address

    def render(
        self,
        request: Request,
        name: str,
        /,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """A page, or a fragment of one, in the reader's language."""
        staff = getattr(request.state, "staff", None)
        html = self.html(
            request,
            name,
            staff=staff,
            csrf=staff.csrf if staff else "",
            path=request.url.path,
            navigation=navigation.groups_for(staff.role) if staff else [],
            here=navigation.current(request.url.path),
            **values,
        )
        given = {"Content-Security-Policy": policy(), **_HEADERS, **(headers or {})}
        return HTMLResponse(html, status, given)

    def html(self, request: Request, template_name: str, /, **values: Any) -> str:
        """What a template comes to in the reader's language, for who frames it otherwise."""
        template = self._environment.get_template(template_name)
        return template.render(request=request, lang=language_of(request), **values)

    def problem(self, request: Request, problem: Problem) -> Response:
        """A problem as its reader can use it: a page for who opened one, else the details."""
        if not wants_page(request):
            return problem.response()
        return self.render(
            request,
            "problem.html",
            status=problem.status,
            headers=problem.headers,
            problem=problem.body,
        )


def install(app: FastAPI, pages: Pages) -> None:
    """Serve the static files of `pages`, and show its readers errors as pages."""

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - registered for this class only
        return pages.problem(request, error)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
        return pages.problem(request, of_http(error))

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(HTTPException, http)
    for address, folder in pages.statics.items():
        app.mount(address, assets.Assets(directory=folder))


def wants_page(request: Request) -> bool:
    """Whether a person's browser opens this address, rather than a script."""
    if request.url.path.startswith("/v1/") or "hx-request" in request.headers:
        return False
    return request.headers.get("accept", "").startswith("text/html")


@jinja2.pass_context
def _t(context: jinja2.runtime.Context, ja: str, en: str, /, **values: Any) -> Markup:
    """The text in the reader's language; `{name}` is filled in, escaped."""
    text = en if context["lang"] == "en" else ja
    return Markup(escape(text)).format(**values) if values else Markup(escape(text))  # noqa: S704


@jinja2.pass_context
def _day(context: jinja2.runtime.Context, value: Any) -> str:
    return formats.day(value, _language(context))


@jinja2.pass_context
def _moment(context: jinja2.runtime.Context, value: Any, zone: Any) -> str:
    return formats.moment(value, zone, _language(context))


def _language(context: jinja2.runtime.Context) -> Language:
    return "en" if context["lang"] == "en" else "ja"
