"""LINE Login as a plain browser sees it: `/liff/login`, where `liff.login()` leads and comes back
from. LINE asks for a password; here one of the sandbox's people is chosen.
"""

from html import escape
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from deploy.sandbox.people import User
from deploy.sandbox.script_http import sandbox_of

MOST = 50
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'self'"
_PAGE = """<!doctype html><html lang="ja"><meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>LINEログイン</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/page.css">
<main class="offer"><section class="panel"><h1>LINEログイン <small lang="en">LINE Login</small></h1>
<p>だれとしてログインしますか？<br><small lang="en">Who are you?</small></p>
<div class="choices">{people}</div>
</section></main></html>"""
_NOBODY = "<p>まだだれもいません。 <small lang='en'>Nobody is here yet.</small></p>"


async def choose(request: Request) -> Response:
    """The page; 400 for an address that is not under the LIFF app's own."""
    sandbox = sandbox_of(request)
    back = request.query_params.get("redirect_uri", "")
    place, origin = urlsplit(back), urlsplit(sandbox.card_origin)
    own = (place.scheme, place.netloc) == (origin.scheme, origin.netloc)
    if not own or not (place.path + "/").startswith("/card/"):
        return Response("400 Bad Request: invalid redirect_uri", 400, media_type="text/plain")
    sandbox.platform.note("in", "login", "200")
    people = sandbox.platform.people.newest(MOST)
    links = "".join(_link(user, place._replace(fragment="").geturl()) for user in people)
    headers = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}
    return HTMLResponse(_PAGE.format(people=links or _NOBODY), headers=headers)


def _link(user: User, back: str) -> str:
    address = f"{back}#sandbox-user={user.user_id}"
    return f'<a class="primary" href="{escape(address)}">{escape(user.name)}</a>'


ROUTES = [Route("/liff/login", choose)]
