"""A member's data on its way into a preview: the first answer counts, and it is soon gone."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from services.notify.store import previews as store
from services.notify.templates import previews
from shared import clock, ids
from shared.db import open_pool
from shared.events import MemberErased, SegmentPage, SegmentPerson, SegmentRefused, new_event

AT = datetime(2026, 1, 5, tzinfo=UTC)
MEMBER, USER = UUID(int=1), "U" + "1" * 32


def page(request_id: UUID, *people: SegmentPerson, number: int = 0) -> SegmentPage:
    return SegmentPage(request_id, ids.new_id(), number, AT, list(people), len(people), last=True)


async def asked(pool) -> UUID:
    request_id = ids.new_id()
    await store.ask(pool, request_id, MEMBER, clock.now())
    return request_id


async def test_only_answers_to_previews_are_taken_and_each_once(notify):
    pool = await open_pool(notify.settings.database_url.get_secret_value(), schema="notify")
    mine, other = await asked(pool), ids.new_id()
    hanako = SegmentPerson(MEMBER, "29", USER, points=5)
    pages = [page(other, SegmentPerson(MEMBER, "30")), page(mine, hanako)]
    assert await store.take(pool, mine) is None
    assert await previews.take(pool, pages) == {mine}
    assert await previews.take(pool, [page(mine)]) == {mine}, (
        "a repeat is ours, and changes nothing"
    )
    answer = await store.take(pool, mine)
    assert msgspec.json.decode(answer.person, type=SegmentPerson) == hanako
    assert await store.take(pool, mine) is None, "it is gone once it was used"
    await pool.close()


async def test_no_such_member_and_a_refusal_are_answers_too(notify):
    pool = await open_pool(notify.settings.database_url.get_secret_value(), schema="notify")
    nobody, refused = await asked(pool), await asked(pool)
    await previews.take(pool, [page(nobody)])
    assert await previews.refused(pool, [SegmentRefused(refused, "不可", "no")]) == {refused}
    assert await store.take(pool, nobody) == store.Answer(nobody)
    assert (await store.take(pool, refused)).refused == "no"
    await pool.close()


async def test_who_is_erased_is_not_kept_on_the_way(notify, kit):
    async with notify.running() as worker:
        before = await asked(worker.pool)
        hanako = SegmentPerson(kit.member, "29", kit.user)
        await previews.take(worker.pool, [page(before, hanako)])
        gone = MemberErased(ids.new_id(), clock.now(), kit.user)
        await worker.tell(
            new_event("/points", gone), new_event("/points", MemberErased(MEMBER, AT))
        )

        async def forgotten() -> bool:
            return await worker.pool.fetchval("SELECT count(*) FROM previews") == 0

        await kit.until(forgotten)
        late = await asked(worker.pool)
        await previews.take(worker.pool, [page(late, hanako)])
        assert await store.take(worker.pool, late) == store.Answer(late)
