"""LINE's page that offers an account as a friend: `/R/ti/p/{basic id}`, opened in the phone.

The phone knows whose it is, so the page only tells it that the button was pressed.
"""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from deploy.sandbox.channel_api import BASIC_ID

_PAGE = """<!doctype html><html lang="ja"><meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>友だち追加</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/page.css"><script src="/static/friend.js" defer></script>
<main class="offer"><section class="panel"><h1>友だち追加 <small lang="en">Add friend</small></h1>
<p>お店のアカウントを友だちに追加します。<br>
<small>The shop's account becomes your friend.</small></p>
<button type="button" class="primary" id="add">追加 · Add</button>
</section></main></html>"""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " frame-ancestors 'self'"
)


async def offer(request: Request) -> Response:
    """The page; 404 for any account but the sandbox's own."""
    if request.path_params["basic_id"] != BASIC_ID:
        return Response("このアカウントはありません。 No such account.", 404)
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


ROUTES = [Route("/R/ti/p/{basic_id}", offer)]
