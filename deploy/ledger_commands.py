"""`tamaru ledger verify|explain`: does the ledger add up, and why is an entry what it is?"""

import asyncio
from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import typer

from deploy.environment import required
from services.points.accounts import disclosing, verifying
from services.points.nights import checking
from services.points.store import ledger_checks
from services.points.store.ledger_checks import Check
from shared import clock, ids

app = typer.Typer(no_args_is_help=True, help="The points ledger.")
MOST_SHOWN = 50


@app.command()
def verify() -> None:
    """Derive every balance and lot from the entries again; exit 1 and say what differs."""
    members, entries, findings = asyncio.run(_verify(required("DATABASE_URL")))
    for finding in findings[:MOST_SHOWN]:
        who = f"member {finding.member_id}" if finding.member_id else "ledger"
        print(f"{who}: {finding.what}: entries say {finding.entries}, stored {finding.stored}")
    if len(findings) > MOST_SHOWN:
        print(f"… and {len(findings) - MOST_SHOWN} more")
    print(f"{members} members, {entries} entries: {len(findings)} differences")
    raise typer.Exit(1 if findings else 0)


@app.command()
def explain(
    entry: Annotated[UUID, typer.Argument(help="the id of a ledger entry")],
    member: Annotated[
        UUID | None, typer.Option(help="whose it is; without it every entry is looked through")
    ] = None,
) -> None:
    """Print everything about an entry: why in words, facts, rules, cause, request, lots."""
    lines = asyncio.run(_explain(required("DATABASE_URL"), entry, member))
    if not lines:
        print(f"there is no entry {entry}")
        raise typer.Exit(1)
    for line in lines:
        print(line)


async def _explain(url: str, entry: UUID, member: UUID | None) -> list[str]:
    connection = await asyncpg.connect(url, server_settings={"search_path": "points"})
    try:
        return await disclosing.disclose(connection, entry, member)
    finally:
        await connection.close()


async def _verify(url: str) -> tuple[int, int, list[verifying.Finding]]:
    connection = await asyncpg.connect(url, server_settings={"search_path": "points"})
    check, began_at = Check(ids.new_id()), clock.now()
    findings: list[verifying.Finding] = []
    try:
        async for page in verifying.verify(connection):
            check = checking.added(check, page)
            findings += page.findings
            if check.members and check.members % 100_000 == 0:
                print(f"{check.members} members checked …")
        await _note(connection, check, began_at)
    finally:
        await connection.close()
    return check.members, check.entries, findings


async def _note(connection: asyncpg.Connection, check: Check, began_at: datetime) -> None:
    """Write down what was found: the metrics and `tamaru doctor` go by the newest whole check."""
    try:
        await ledger_checks.note(connection, check, began_at, clock.now())
    except (asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError):
        print("(not written down: this database is read only)")
