"""How many requests a process answers at once; more are told at once to come again.

Each waits for one of a few connections to the database. Without a bound a rush fills the memory
with requests whose callers have long given up.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.problems import unavailable

MOST_AT_ONCE = 500
OPERATIONS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Always answered, from memory: a busy process is no dead one."""


class AtMost:
    """ASGI middleware: at most `most` requests at once, 503 with Retry-After for the others."""

    def __init__(self, app: ASGIApp, most: int = MOST_AT_ONCE) -> None:
        self._app = app
        self._most = most
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http" or scope["path"] in OPERATIONS:
            await self._app(scope, receive, send)
            return
        if self._under_way >= self._most:
            busy = unavailable("Too much is under way. Send it again, unchanged.", retry_after=1)
            await busy.response()(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
