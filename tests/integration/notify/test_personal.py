"""Erasure in the whole worker: what was said goes, what is late is not said, what is new is."""

from datetime import timedelta
from typing import Any

from services.notify.store.personal import hash_of
from shared import clock
from shared.events import MemberErased, new_event


async def test_nothing_late_is_said_to_who_was_erased(notify: Any, kit: Any) -> None:
    async with notify.running() as worker:
        early, late, new = kit.earned(points=1), kit.earned(points=2), kit.earned(points=3)
        other = kit.earned(kit.other, points=4)
        await worker.tell(early, other)
        await worker.settled(2)
        erased_at = clock.now()
        late.time, new.time = erased_at - timedelta(seconds=1), erased_at + timedelta(seconds=1)
        await worker.tell(new_event("/points", MemberErased(kit.member, erased_at, kit.user)))

        async def erased() -> Any:
            return await worker.pool.fetchval("SELECT user_hash FROM erasures")

        assert await kit.until(erased) == hash_of(kit.user)
        assert [row["event_id"] for row in await worker.rows()] == [other.id]
        await worker.tell(late, early, new)

        async def said() -> Any:
            rows = await worker.rows()
            return rows if any(row["event_id"] == new.id for row in rows) else None

        rows = await kit.until(said)
        await worker.settled(len(rows))
        assert {row["event_id"] for row in await worker.rows()} == {other.id, new.id}
