"""`tamaru store|key`: what an owner sets up before the first till is connected."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import asyncpg
import typer

from deploy.environment import required
from services.points import shopkeeping
from services.points.errors import PointsError
from services.points.store import terminals
from shared import outbox
from shared.bus.handling import Batch

stores = typer.Typer(no_args_is_help=True, help="Stores.")
keys = typer.Typer(no_args_is_help=True, help="API keys of terminals and of the owner's systems.")

Result = TypeVar("Result")


@stores.command("add")
def add_store(code: str, name: str) -> None:
    """Add a store, or rename the one with this code."""
    act(lambda batch: shopkeeping.put_store(batch, code, name))
    print(f"store {code}: {name}")


@keys.command("add")
def add_key(
    name: str,
    kind: Annotated[str, typer.Option(help="pos, owner or read")] = "pos",
    store: Annotated[str | None, typer.Option(help="the only store it may post for")] = None,
) -> None:
    """Make an API key. It is shown now and never again."""
    if kind not in ("pos", "owner", "read"):
        raise typer.BadParameter("kind is pos, owner or read")
    key = shopkeeping.new_key(kind)
    act(lambda batch: shopkeeping.put_key(batch, key, kind, name, store))
    print(key)


@keys.command("revoke")
def revoke_key(name: str) -> None:
    """Refuse all keys with this name from now on."""
    revoked = act(lambda batch: shopkeeping.revoke_key(batch, name))
    print(f"{len(revoked)} key(s) revoked")
    raise typer.Exit(0 if revoked else 1)


@keys.command("list")
def list_keys() -> None:
    """All keys: name, kind, store, whether active."""
    for each in act(lambda batch: terminals.every(batch.connection)):
        state = "active" if each.active else "revoked"
        print(f"{each.name}\t{each.kind}\t{each.store or 'any store'}\t{state}")


def act(work: Callable[[Batch], Awaitable[Result]]) -> Result:
    """Do something in one transaction; its events leave through the points service's outbox."""

    async def act() -> Result:
        url = required("DATABASE_URL")
        connection = await asyncpg.connect(url, server_settings={"search_path": "points"})
        try:
            async with connection.transaction():
                batch = Batch(connection)
                result = await work(batch)
                await outbox.write(connection, batch.emitted, abandoned=True)
                return result
        finally:
            await connection.close()

    try:
        return asyncio.run(act())
    except PointsError as problem:
        print(problem)
        raise typer.Exit(1) from None
