"""A new version of the program: checked whole, numbered, in force from its second on or from a
later one; withdrawn before it starts; an old one published again.

What hangs on a start (ranks, other services' time zones) follows `program.published`: at once, or
by way of the scheduler when the start comes.
"""

from datetime import datetime, timedelta

import msgspec

from services.points.errors import AlreadyStarted, NoSuchVersion, OutOfDate
from services.points.rules import program as programs
from services.points.rules.program import Program
from services.points.rules.terms import Problem, ProgramInvalid, moment
from services.points.store import programs as store
from services.points.store.programs import Version
from shared import clock
from shared.bus.handling import Batch, Connection
from shared.events import ProgramPublished, ScheduleCancelled, ScheduleRequested, new_event

SOURCE = "/points/program"
TOO_LATE = timedelta(seconds=5)
"""Within this time of its start a version is no longer withdrawn: it may begin meanwhile."""
A_LITTLE_LATER = timedelta(seconds=1)
"""The start is told so long after it, so that clocks that differ a little agree on it."""


async def publish(
    batch: Batch,
    raw: bytes,
    by: str,
    expected: int | None = None,
    effective_from: str | None = None,
) -> Version:
    """Publish a document, in force at once or from `effective_from` on (a day, which begins in the
    document's time zone, or a time with offset; whole seconds).

    What would change nothing adds nothing: the document in force already, or one that is scheduled
    for that very moment, stays as it is. Raises ProgramInvalid with every problem, and OutOfDate
    when `expected` is not the version in force.
    """
    program = programs.parse(raw)
    number = await store.lock(batch.connection) + 1
    now = clock.now()
    start = _start(program, effective_from, now, first=number == 1)
    current = await store.in_force(batch.connection, now)
    if expected is not None and expected != (current.version if current else 0):
        raise OutOfDate(current.version if current else 0)
    there = await store.in_force(batch.connection, start)
    if there is not None and (start <= now or there.effective_from == start) and _same(there, raw):
        return there
    version = Version(number, raw.decode(), start, now, by)
    await store.add(batch.connection, version)
    _tell(batch, version, program, now)
    return version


async def roll_back(
    batch: Batch, number: int, by: str, effective_from: str | None = None
) -> Version:
    """Publish an earlier version's document again, as a new version.

    Raises NoSuchVersion, and ProgramInvalid when later checks no longer let it pass.
    """
    earlier = await find(batch.connection, number)
    return await publish(batch, earlier.document.encode(), by, effective_from=effective_from)


async def withdraw(batch: Batch, number: int, by: str) -> Version:
    """Take back a version that has not started; again it changes nothing.

    Raises NoSuchVersion and AlreadyStarted.
    """
    newest = await store.lock(batch.connection)
    version = await find(batch.connection, number)
    said = await store.after(batch.connection, number)
    if any(each.withdraws == number for each in said):
        return version
    now = clock.now()
    if version.effective_from - TOO_LATE < now:
        raise AlreadyStarted(number)
    word = Version(newest + 1, "null", version.effective_from, now, by, withdraws=number)
    await store.add(batch.connection, word)
    batch.emit(new_event(SOURCE, ScheduleCancelled(_key(version))))
    return version


async def find(connection: Connection, number: int) -> Version:
    """The version with this number. Raises NoSuchVersion, for the number of a withdrawal too."""
    found = await store.one(connection, number)
    if found is None or found.withdraws is not None:
        raise NoSuchVersion(number)
    return found


def _same(version: Version, raw: bytes) -> bool:
    return bool(msgspec.json.decode(version.document) == msgspec.json.decode(raw))


def _start(program: Program, text: str | None, now: datetime, *, first: bool) -> datetime:
    # Tills count in whole seconds: what they say occurred in this one is under the new rules.
    this_second = now.replace(microsecond=0)
    if text is None:
        return this_second
    try:
        start = moment(text, program.zone, end=False).replace(microsecond=0)
    except ValueError:
        words = "must be a day (2027-04-01) or a time with offset (2027-04-01T10:00:00+09:00)"
        raise _refused(words) from None
    if start < this_second:
        raise _refused("is in the past; leave it out to start at once")
    if first and start > this_second:
        raise _refused("leave it out: the first version is in force at once")
    return start


def _refused(words: str) -> ProgramInvalid:
    return ProgramInvalid([Problem("effective_from", words)])


def _tell(batch: Batch, version: Version, program: Program, now: datetime) -> None:
    """Say that a version starts, at its start."""
    data = ProgramPublished(
        version.version, version.effective_from, program.time_zone, program.currency
    )
    if version.effective_from <= now:
        batch.emit(new_event(SOURCE, data))
        return
    body = msgspec.Raw(msgspec.json.encode(data))
    due_at = version.effective_from + A_LITTLE_LATER
    asked = ScheduleRequested(_key(version), due_at, "program.published.v1", body)
    batch.emit(new_event(SOURCE, asked))


def _key(version: Version) -> str:
    return f"program:{version.version}"
