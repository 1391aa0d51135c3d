"""Phones on the day after an upgrade, while the version before may still run, and after it."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.points.nights import sealing
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.store import phones
from services.points.store.sealed import WAIT
from shared import clock
from shared.bus.handling import Batch
from shared.events import MemberRef
from shared.keys import Keys
from tests.integration.points.phone_desk import (
    ABROAD,
    OTHER,
    PHONE,
    clear,
    day_of_upgrade,
    join,
    merge,
    old_version_joins,
    phone_of,
    seal_all,
    undo,
    who,
)
from tests.integration.points.shop import (
    QR_KEY,
    Points,
    owner,
    submitted,
)
from tests.integration.points.test_member_search import found

pytestmark = pytest.mark.usefixtures("usual_key")


async def test_on_the_day_of_the_upgrade_old_and_new_see_each_other(points: Points) -> None:
    await day_of_upgrade(points)
    one = await join(points, PHONE)
    assert await points.pool.fetchval("SELECT phone FROM members") == PHONE, "the old one reads it"
    assert await found(points, "0901") == await found(points, "434") == [one["id"]]
    with pytest.raises(asyncpg.UniqueViolationError):
        await old_version_joins(points, PHONE)
    old = await old_version_joins(points, OTHER)
    await join(points, OTHER, 409, "new")
    path = f"/v1/members/{one['id']}"
    taken = await points.client.patch(path, json={"phone": OTHER}, headers=owner())
    assert taken.status_code == 409
    assert await who(points, OTHER) == old
    await points.pool.execute(
        "UPDATE members SET phone = '0311' || '112222' WHERE id = $1", UUID(old)
    )
    assert (await who(points, OTHER), await who(points, "0311112222")) == (404, old)
    assert not await sealing.page(points.pool)
    assert await points.pool.fetchval("SELECT count(*) FROM member_phones") == 0


async def test_after_the_day_a_number_in_clear_and_one_locked_away_are_of_one_member_each(
    points: Points,
) -> None:
    await day_of_upgrade(points)
    one, old = await join(points, PHONE), await old_version_joins(points, OTHER)
    event = submitted(MemberRef(phone=PHONE), 1000)
    await points.publish(event)
    await points.status(event.id, "awarded")
    await points.pool.execute(
        """UPDATE purchases SET purchase = (purchase::jsonb
            || '{"member": {"phone": "09012123434"}}')::json"""
    )
    clock.set_offset(WAIT)
    await join(points, OTHER, 409, "in clear still")
    late = await join(points, ABROAD)
    assert await clear(points, ABROAD) == []
    with pytest.raises(AssertionError):
        assert await clear(points, PHONE, OTHER) == []
    await seal_all(points)
    assert await clear(points, PHONE, OTHER, ABROAD) == []
    assert await points.pool.fetchval("SELECT count(*) FROM phones_due") == 0
    for phone, member in ((PHONE, one["id"]), (OTHER, old), (ABROAD, late["id"])):
        assert await who(points, phone) == member
        assert await phone_of(points, member) == phone
        assert await found(points, phone[-4:]) == [member]
        await join(points, phone, 409, f"again {phone[::-1]}")


async def test_a_straggler_of_the_version_before_is_found_and_told(
    points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await join(points, PHONE), await join(points, OTHER)
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(phones.log, "error", lambda _, **facts: told.append(facts))
    await points.pool.execute(
        "UPDATE members SET phone = '0399998888' WHERE id = $1", UUID(other["id"])
    )
    twin = await old_version_joins(points, PHONE)
    assert await who(points, OTHER) == 404, "what was written last counts"
    assert await who(points, PHONE) == one["id"]
    await seal_all(points)
    assert await who(points, "0399998888") == other["id"]
    assert await clear(points, "0399998888", OTHER) == []
    assert told and all(each == {"locked": one["id"], "clear": twin} for each in told)
    assert await points.pool.fetchval("SELECT phone FROM members WHERE phone IS NOT NULL") == PHONE
    await points.client.patch(f"/v1/members/{one['id']}", json={"phone": None}, headers=owner())
    await seal_all(points)
    assert await who(points, PHONE) == twin and await clear(points, PHONE) == []


@pytest.mark.parametrize("later", ["undone before", "undone after"])
async def test_a_merge_of_the_day_of_the_upgrade_is_undone_after_it(
    points: Points, later: str
) -> None:
    await day_of_upgrade(points)
    one = await join(points, PHONE)
    kept = (
        await points.client.post("/v1/members", json={"external_id": "k"}, headers=owner("k"))
    ).json()
    made = await merge(points, kept["id"], one["id"])
    assert await points.pool.fetchval("SELECT names ->> 'phone' FROM merges") == PHONE
    clock.set_offset(WAIT)
    if later == "undone after":
        await seal_all(points)
        assert await clear(points, PHONE) == []
        listed = await points.client.get(f"/v1/members/{kept['id']}/merges", headers=owner())
        assert listed.json()["items"][0]["names"] == {"phone": PHONE}
    else:  # and the kept one's is locked away already, by a change of something else
        path = f"/v1/members/{kept['id']}"
        await points.client.patch(
            path,
            json={
                "birthday": "1990-01-01",
                "consent": {"profile": {"given": True, "source": "app"}},
            },
            headers=owner(),
        )
    assert await who(points, PHONE) == kept["id"]
    await undo(points, made)
    assert (await who(points, PHONE), await phone_of(points, kept["id"])) == (one["id"], None)
    await seal_all(points)
    assert await clear(points, PHONE) == []
    assert await who(points, PHONE) == one["id"]


async def test_what_was_kept_of_earlier_calls_is_covered_and_still_known(points: Points) -> None:
    await day_of_upgrade(points)
    made = await join(points, PHONE, key="joined")
    event = submitted(MemberRef(phone=PHONE), 1000)
    await points.publish(event)
    await points.status(event.id, "awarded")
    await points.pool.execute(
        """UPDATE purchases SET purchase = (purchase::jsonb
            || '{"member": {"phone": "09012123434"}}')::json"""
    )
    gift = {"points": 5, "reason": "x"}
    path = f"/v1/members/{made['id']}/adjustments"
    given = await points.client.post(path, json=gift, headers=owner("gift"))
    before = set(await points.pool.fetchval("SELECT array_agg(body_hash) FROM requests"))
    clock.set_offset(WAIT)
    await seal_all(points)
    after = set(await points.pool.fetchval("SELECT array_agg(body_hash) FROM requests"))
    assert len(before) == len(after) == 3 and not before & after
    assert (await join(points, PHONE, key="joined"))["id"] == made["id"]
    again = await points.client.post(path, json=gift, headers=owner("gift"))
    assert again.json() == given.json()
    other = await points.client.post(path, json={**gift, "points": 6}, headers=owner("gift"))
    assert other.status_code == 409
    async with points.pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        await Awards(Rulebook(), Keys(QR_KEY)).handle(batch, [event])
    assert batch.emitted == [], "a repeat, not another body"
