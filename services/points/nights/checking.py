"""The whole ledger, checked once a night as `tamaru ledger verify` does, beside a shop at work.

A night that is over asks for it; the table `ledger_checks` says how far it is and what was found.
A page is one transaction with its own snapshot, together with its progress: one that was killed is
done again, and no snapshot gets old. That is enough, as each member's books are looked at in one
page. It changes nothing else; who was found is looked at by `LedgerWatch` until it is put right.
"""

import asyncio
from typing import Any

from msgspec.structs import replace

from services.points.accounts import verifying
from services.points.nights import pacing
from services.points.store import ledger_checks as store
from services.points.store.ledger_checks import Check, Found
from shared import clock, logs
from shared.bus.handling import Connection
from shared.db import Pool

POLL_SECONDS = 30.0

log = logs.logger(__name__)


async def run(pool: "Pool[Any]") -> None:
    """Check whatever is asked for, until cancelled. Any number of processes may."""
    await pacing.work("checking the ledger", lambda: page(pool), asyncio.Event(), POLL_SECONDS)


async def page(pool: "Pool[Any]", members: int = verifying.PAGE) -> bool:
    """Do the next page of the check; false when there is none, or another process is at it."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        check = await store.next_page(connection)
        if check is None:
            return False
        after, over = await _advanced(connection, check, members)
        await store.advance(connection, after, clock.now() if over else None)
    _report(check, after, over)
    return True


async def _advanced(connection: Connection, check: Check, members: int) -> tuple[Check, bool]:
    """The check after its next page, and whether that was the last."""
    if check.parts < len(verifying.PARTS):
        found = await verifying.part(connection, check.parts)
        return added(replace(check, parts=check.parts + 1), found), False
    page = await verifying.page(connection, check.after, members)
    if page is None:
        return check, True
    return added(replace(check, after=page.last), page), False


def added(check: Check, page: verifying.Page) -> Check:
    """The check with what a page of it came to."""
    new = (
        Found(each.member_id, each.what, str(each.entries), str(each.stored))
        for each in page.findings
    )
    return replace(
        check,
        members=check.members + page.members,
        entries=check.entries + page.entries,
        differences=check.differences + len(page.findings),
        found=(*check.found, *new)[: store.FINDINGS],
    )


def _report(before: Check, after: Check, over: bool) -> None:
    new = after.found[len(before.found) :]
    if after.differences > before.differences:
        log.error(
            "the ledger does not add up; `tamaru ledger verify` says what differs",
            members=sorted({str(each.member) for each in new if each.member})[:10],
            what=sorted({each.what.partition(" ")[0] for each in new}),
        )
    if over:
        log.info(
            "the whole ledger was checked",
            members=after.members,
            entries=after.entries,
            differences=after.differences,
        )
