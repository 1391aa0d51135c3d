"""Who comes new is let in soon, however many came before: not one a turn of the loop."""

import asyncio
import socket

import uvloop

from shared.http_server import AT_ONCE, Server, listening

CALLERS = 8 * AT_ONCE


async def _nothing(scope: object, receive: object, send: object) -> None:
    """An application that nobody asks anything."""


async def turns_until_all_are_in() -> int:
    """How many turns of the loop it takes to let in who has come while it was busy."""
    sockets = listening("127.0.0.1", 0)
    server = Server(_nothing, "127.0.0.1", 0, 1)
    serving = asyncio.create_task(server.serve(sockets))
    while not server.started:
        await asyncio.sleep(0.01)
    callers = [socket.create_connection(sockets[0].getsockname()) for _ in range(CALLERS)]
    turns = 0
    while len(server.server_state.connections) < CALLERS:
        await asyncio.sleep(0)
        turns += 1
    for caller in callers:
        caller.close()
    server.should_exit = True
    await serving
    return turns


def test_many_are_let_in_together() -> None:
    assert uvloop.run(turns_until_all_are_in()) < CALLERS / 2
