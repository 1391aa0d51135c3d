"""The yardstick of the redirect: notify's own web process with one more address that answers the
same 302 from a constant, for benchmarks only. `python -m deploy.bench.noop_links` takes notify's
settings.
"""

from starlette.types import Receive, Scope, Send

from services.notify import __main__ as notify
from services.notify.settings import NotifyWebSettings
from shared import process, settings
from shared.process import Process

PATH = "/bench/"
_START = {
    "type": "http.response.start",
    "status": 302,
    "headers": [(b"location", b"https://ec.example.jp/sale"), (b"content-length", b"0")],
}
_BODY = {"type": "http.response.body", "body": b""}


async def setup(running: Process) -> None:
    """notify's web process behind one comparison more."""
    await notify.web(running)
    product = running.app
    assert product is not None  # noqa: S101 - notify's web makes it

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PATH):
            await send(_START)
            await send(_BODY)
        else:
            await product(scope, receive, send)

    running.app = app


if __name__ == "__main__":
    process.run("bench-links", settings.load(NotifyWebSettings), schema="notify", setup=setup)
