"""A new version of the program: checked whole, numbered, in force from its second on."""

import msgspec

from services.points import program as programs
from services.points.store import programs as store
from services.points.store.programs import Version
from shared import clock
from shared.bus.handling import Batch
from shared.events import ProgramPublished, new_event

SOURCE = "/points/program"


class OutOfDate(Exception):
    """Somebody published meanwhile; `newest` is the version to look at."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        super().__init__(f"version {newest} has been published meanwhile")


async def publish(batch: Batch, raw: bytes, by: str, expected: int | None = None) -> Version:
    """Publish a document; the one in force already stays as it is.

    Raises ProgramInvalid with every problem, and OutOfDate when `expected` is not the newest.
    """
    program = programs.parse(raw)
    newest = await store.lock(batch.connection)
    if expected is not None and expected != newest:
        raise OutOfDate(newest)
    if newest:
        current = (await store.after(batch.connection, newest - 1))[0]
        if msgspec.json.decode(current.document) == msgspec.json.decode(raw):
            return current
    now = clock.now()
    # Tills count in whole seconds: what they say occurred in this one is under the new rules.
    version = Version(newest + 1, raw.decode(), now.replace(microsecond=0), now, by)
    await store.publish(batch.connection, version)
    data = ProgramPublished(
        version.version, version.effective_from, program.time_zone, program.currency
    )
    batch.emit(new_event(SOURCE, data))
    return version
