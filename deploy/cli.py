"""`tamaru`, the operator's command: the one door to what each service can be told."""

import asyncio
import sys
from typing import Annotated

import typer

from deploy import (
    backup_commands,
    dlq_commands,
    doctor_commands,
    documents_commands,
    import_commands,
    ledger_commands,
    migration_wait,
    program_commands,
    ranks_commands,
    shop_commands,
    staff_commands,
)
from deploy.backup import unfinished
from deploy.environment import optional, required
from deploy.schemas import SERVICES, migrations_of, schemas
from services.points import demo as demo_shop
from shared.migrate import MigrationChanged
from shared.migrate import migrate as run_migrations

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.add_typer(ledger_commands.app, name="ledger")
app.add_typer(dlq_commands.app, name="dlq")
app.add_typer(shop_commands.stores, name="store")
app.add_typer(shop_commands.keys, name="key")
app.add_typer(staff_commands.app, name="staff")
app.add_typer(program_commands.app, name="program")
app.add_typer(ranks_commands.app, name="ranks")
app.add_typer(import_commands.app, name="import")
app.command()(doctor_commands.doctor)
app.command()(documents_commands.asyncapi)
app.command()(documents_commands.openapi)
app.command()(backup_commands.backup)
app.command()(backup_commands.backup_key)
app.command()(backup_commands.restore)
app.command()(backup_commands.erased)


@app.command()
def migrate() -> None:
    """Create roles and schemas, apply new migrations (DATABASE_URL: an administrator's)."""
    url = required("DATABASE_URL")
    if asyncio.run(unfinished.look(url)):
        print(unfinished.TOLD, file=sys.stderr)
        raise typer.Exit(1)
    try:
        applied = asyncio.run(run_migrations(url, schemas()))
    except MigrationChanged as problem:
        print(problem, file=sys.stderr)
        raise typer.Exit(1) from None
    for name in applied:
        print(f"applied {name}")
    print("the database is up to date")


@app.command("wait-migrated")
def wait_migrated(
    service: str,
    seconds: Annotated[float, typer.Option(help="how long to wait at most")] = 300,
) -> None:
    """Wait until the database has what this version needs (DATABASE_URL: the service's own)."""
    if service not in SERVICES:
        raise typer.BadParameter(f"one of {', '.join(SERVICES)}")
    work = migration_wait.wait(
        required("DATABASE_URL"), service, migrations_of(service), seconds, print
    )
    raise typer.Exit(0 if asyncio.run(work) else 1)


@app.command()
def demo() -> None:
    """Set up a shop to try things with; its events leave through the points service's outbox."""
    keys = {"pos": required("POS_API_KEY"), "owner": required("OWNER_API_KEY")}
    login, password = optional("OWNER_LOGIN", ""), optional("OWNER_PASSWORD", "")
    owner = (login, password) if login and password else None
    shop_commands.act(lambda batch: demo_shop.seed(batch, keys, owner))
    print("the demo shop is there")


if __name__ == "__main__":
    app()
