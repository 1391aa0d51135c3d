"""A segment by its code: the owner's own, or the one that is shipped under it."""

from services.points.segments import definition as definitions
from services.points.segments.conditions import Definition
from services.points.segments.presets import PRESETS
from services.points.store import stored_segments
from shared.bus.handling import Connection


async def named(connection: Connection, code: str) -> Definition | None:
    """What a code means, or None if nothing is named so."""
    stored = await stored_segments.one(connection, code)
    if stored is not None:
        return definitions.read(stored.definition)
    return definitions.parse(PRESETS[code].definition) if code in PRESETS else None
