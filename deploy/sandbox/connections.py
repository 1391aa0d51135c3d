"""Dropping a connection without an answer, as a lost response looks to the caller.

ASGI has no word for it, so the server's protocol hands the application a way to do it.
"""

from collections.abc import Callable, MutableMapping
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_NAME = "tamaru.drop_connection"


class DroppableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol that lets the application cut the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope = cast(MutableMapping[str, Any], self.scope)
        scope["extensions"] = {_NAME: self._drop}

    def _drop(self) -> None:
        if self.transport is not None:
            self.transport.abort()


def drop_connection(scope: MutableMapping[str, Any]) -> None:
    """Cut the connection of this request; RuntimeError under another server."""
    drop = cast(Callable[[], None] | None, scope.get("extensions", {}).get(_NAME))
    if drop is None:
        raise RuntimeError("this server cannot drop a connection: use DroppableProtocol")
    drop()
