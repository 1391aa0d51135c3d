"""A real member's data for a preview: points is asked by event, and the answer waited for.

The answer comes to the queue of broadcasts, whose handler asks `take` and `refused` first. Owns
nothing for longer than a preview needs it.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from services.notify.store import personal as store_personal
from services.notify.store import previews as store
from services.notify.store.previews import Answer
from shared import clock
from shared.bus.handling import Connection
from shared.events import SegmentPage, SegmentPerson, SegmentRefused

_encode = msgspec.json.Encoder().encode


async def take(connection: Connection, pages: Iterable[SegmentPage]) -> set[UUID]:
    """Keep the pages that answer previews; their request ids, which are nobody else's."""
    asked = {page.request_id: page for page in pages if page.number == 0}
    mine = await store.ours(connection, list(asked))
    if mine:
        people = {id: asked[id].people[0] if asked[id].people else None for id in mine}
        gone = await _erased(connection, people.values())
        answers = [_answer(id, person, gone) for id, person in people.items()]
        await store.answer(connection, answers, clock.now())
    return mine


async def refused(connection: Connection, refusals: Iterable[SegmentRefused]) -> set[UUID]:
    """Keep the refusals that answer previews; their request ids, which are nobody else's."""
    asked = {refusal.request_id: refusal for refusal in refusals}
    mine = await store.ours(connection, list(asked))
    if mine:
        answers = [Answer(id, refused=asked[id].en) for id in mine]
        await store.answer(connection, answers, clock.now())
    return mine


async def _erased(connection: Connection, people: Iterable[SegmentPerson | None]) -> set[str]:
    """Who was erased while the answer was on its way."""
    users = {each.line_user_id for each in people if each is not None and each.line_user_id}
    return set(await store_personal.erased(connection, users)) if users else set()


def _answer(request_id: UUID, person: SegmentPerson | None, gone: set[str]) -> Answer:
    if person is None or person.line_user_id in gone:
        return Answer(request_id)
    return Answer(request_id, _encode(person).decode(), person.line_user_id)
