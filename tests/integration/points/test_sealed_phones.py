"""Phones of members: locked away in every table, found by who has the key, of one member each."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from services.points.members import searching
from services.points.members.enrolment import Enrolment
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.store import exports, sealed
from services.points.store.members import NewMember
from services.points.store.sealed import WrongKey
from shared import ids
from shared.bus.handling import Batch
from shared.events import MemberRef
from shared.keys import Keys
from shared.web.acting import body_hash
from tests.integration.points.phone_desk import (
    ABROAD,
    NEW,
    OF_MEMBER,
    OTHER,
    PHONE,
    clear,
    join,
    merge,
    phone_of,
    seal_all,
    undo,
    who,
)
from tests.integration.points.shop import (
    PERSONAL_KEY,
    QR_KEY,
    Points,
    eventually,
    owner,
    submitted,
)
from tests.integration.points.test_member_search import CONSENT, found, pages

pytestmark = pytest.mark.usefixtures("usual_key")


async def test_it_stands_in_clear_in_no_table_and_is_told_to_who_may_know(points: Points) -> None:
    one, other = await join(points, PHONE), await join(points, OTHER)
    await points.client.patch(
        f"/v1/members/{other['id']}", json={"phone": ABROAD}, headers=owner("p")
    )
    event = submitted(MemberRef(phone=PHONE), 1000)
    await points.publish(event)
    await points.status(event.id, "awarded")
    await points.follow("U" + "4" * 32)
    kept = await points.member("U" + "4" * 32)
    made = await merge(points, str(kept["id"]), one["id"])
    assert made["names"] == {"phone": PHONE}
    path = f"/v1/members/{kept['id']}/export"
    assert (await points.client.post(path, headers=owner("copy"))).is_success
    assert await clear(points, PHONE, OTHER, ABROAD) == []
    assert await phone_of(points, str(kept["id"])) == PHONE
    assert await phone_of(points, other["id"]) == ABROAD
    async with points.pool.acquire() as connection:
        told = await exports.known(connection, [kept["id"], UUID(one["id"])])
    assert [each["phone"] for each in told["members"]] == [PHONE, None]
    assert [each["names"] for each in told["merges"]] == [{"phone": PHONE}]
    listed = (await points.client.get("/v1/members", headers=owner())).json()["items"]
    assert {each["phone"] for each in listed} >= {PHONE, ABROAD}


async def test_it_is_found_whole_and_by_its_last_digits(points: Points) -> None:
    one, other = await join(points, PHONE), await join(points, ABROAD)
    for typed in (PHONE, "090-1212-3434", "+81 90 1212 3434", "０９０１２１２３４３４"):
        assert await who(points, typed) == one["id"], typed
        assert await found(points, typed) == [one["id"]], typed
    for typed in ("3434", "2-3434", "1212-3434", "9012123434"):
        assert await found(points, typed) == [one["id"]], typed
    for typed in (ABROAD, "8613800138000", "8000", "0138000"):
        assert await found(points, typed) == [other["id"]], typed
    for typed in ("434", "9090", "0901", "09012123435"):
        assert await found(points, typed) == [], typed
    assert await who(points, ABROAD) == other["id"]
    longer = await join(points, f"+86{PHONE}")
    named = {"external_id": f"{PHONE}-2"}
    begins = await points.client.post("/v1/members", json=named, headers=owner("begins"))
    order = [one["id"], begins.json()["id"], longer["id"]]
    assert await found(points, PHONE) == order, "who has just it comes first"


@pytest.mark.parametrize("block", [1, 100])
async def test_of_those_with_the_same_last_four_digits_only_who_has_all_that_were_typed(
    points: Points, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(searching, "BLOCK", block)
    one, two = await join(points, "09011153434"), await join(points, "09022253434")
    other = await join(points, "09011113434")
    named = {"fields": {"name": "x53434"}, "consent": CONSENT, "reason": "x"}
    path = f"/v1/members/{other['id']}"
    assert (await points.client.patch(path, json=named, headers=owner("name"))).is_success
    assert sorted(await found(points, "3434")) == sorted([one["id"], two["id"], other["id"]])
    assert await found(points, "153434") == [one["id"]]
    *by_phone, by_name = await pages(points, "53434", 1)
    assert sorted(by_phone) == sorted([one["id"], two["id"]])
    assert by_name == other["id"], "whose phone only looked so is found by their name"
    terms = "SELECT count(*) FROM member_terms WHERE source = 'n'"
    assert await points.pool.fetchval(terms) == 2 * 3


async def test_a_number_that_is_changed_or_given_up_is_found_no_more(points: Points) -> None:
    one = await join(points, PHONE)
    path = f"/v1/members/{one['id']}"
    for phone in (OTHER, None):
        changed = await points.client.patch(path, json={"phone": phone}, headers=owner())
        assert changed.is_success, changed.text
        assert await phone_of(points, one["id"]) == phone
    assert (await who(points, PHONE), await who(points, OTHER)) == (404, 404)
    assert await found(points, "3434") == await found(points, "4444") == []
    again = await join(points, PHONE, key="again")
    left = await points.client.post(f"/v1/members/{again['id']}/leave", headers=owner("l"))
    assert left.is_success
    assert await who(points, PHONE) == 404 and await found(points, "3434") == []
    async with points.pool.acquire() as connection:
        (kin,) = await exports.lineage(connection, UUID(again["id"]))
    assert kin.phone == PHONE
    await join(points, PHONE, key="a third time")


async def test_nobody_else_gets_a_number_not_even_at_the_same_moment(points: Points) -> None:
    one = await join(points, PHONE)
    await join(points, "+81-90-1212-3434", 409, "another")
    other = await join(points, OTHER)
    path = f"/v1/members/{other['id']}"
    taken = await points.client.patch(path, json={"phone": PHONE}, headers=owner())
    assert taken.status_code == 409, taken.text
    number = "05011112222"
    answers = await asyncio.gather(
        *(
            points.client.post("/v1/members", json={"phone": number}, headers=owner(f"race {n}"))
            for n in range(8)
        )
    )
    assert sorted(each.status_code for each in answers) == [201] + [409] * 7
    with pytest.raises(asyncpg.UniqueViolationError):
        await points.pool.execute(
            """INSERT INTO member_phones (member_id, mark, ends, sealed)
            SELECT $1, mark, ends, sealed FROM member_phones WHERE member_id = $2""",
            ids.new_id(),
            UUID(one["id"]),
        )


async def test_of_two_who_come_at_once_with_one_number_the_first_is_added(points: Points) -> None:
    rulebook = Rulebook()
    enrolment = Enrolment(rulebook, Awards(rulebook, Keys(QR_KEY)))
    body = {"external_id": "crm-1"}
    there = await points.client.post("/v1/members", json=body, headers=owner("crm-1"))
    assert there.status_code == 201
    coming = [
        NewMember(id=ids.new_id(), external_id="crm-1", phone=PHONE),
        NewMember(id=ids.new_id(), external_id="crm-2", phone=PHONE),
        NewMember(id=ids.new_id(), external_id="crm-3", phone=PHONE),
        NewMember(id=ids.new_id(), external_id="crm-4"),
    ]
    async with points.pool.acquire() as connection, connection.transaction():
        added = await enrolment.add(Batch(connection), coming)
    assert [each.external_id for each in added] == ["crm-2", "crm-4"]
    assert await who(points, PHONE) == str(coming[1].id)


@pytest.mark.parametrize("key", [PERSONAL_KEY, NEW])
async def test_a_merge_takes_it_along_and_undoing_gives_it_back(points: Points, key: str) -> None:
    """Undoing needs no key, as a restore has none."""
    one = await join(points, PHONE)
    kept = (
        await points.client.post("/v1/members", json={"external_id": "k"}, headers=owner("k"))
    ).json()
    made = await merge(points, kept["id"], one["id"])
    assert await who(points, PHONE) == kept["id"]
    assert await found(points, "3434") == [kept["id"]]
    assert await phone_of(points, kept["id"]) == PHONE
    await join(points, PHONE, 409, "taken")
    sealed.use(Keys(key))
    await undo(points, made)
    sealed.use(Keys(PERSONAL_KEY))
    assert await who(points, PHONE) == one["id"]
    assert await found(points, "3434") == [one["id"]]
    assert await phone_of(points, kept["id"]) is None
    assert await phone_of(points, one["id"]) == PHONE


async def test_undoing_gives_back_what_the_kept_one_has_and_takes_nothing_from_others(
    points: Points,
) -> None:
    one, kept = (
        await join(points, PHONE),
        await points.client.post("/v1/members", json={"external_id": "k"}, headers=owner("k")),
    )
    id = kept.json()["id"]
    made = await merge(points, id, one["id"])
    changed = await points.client.patch(f"/v1/members/{id}", json={"phone": OTHER}, headers=owner())
    assert changed.is_success, changed.text
    third = await join(points, PHONE, key="third")
    await undo(points, made)
    assert (await who(points, PHONE), await who(points, OTHER)) == (third["id"], id)
    assert await phone_of(points, one["id"]) is None


async def test_the_key_changes_and_marks_stay(points: Points) -> None:
    one = await join(points, PHONE)
    before = await points.pool.fetchrow(OF_MEMBER, UUID(one["id"]))
    sealed.use(Keys(NEW, PERSONAL_KEY))
    assert await who(points, PHONE) == one["id"], "either is good"
    async with points.pool.acquire() as connection:
        assert await sealed.sealed_otherwise(connection, [NEW]) == 1
    await seal_all(points)
    sealed.use(Keys(NEW))
    async with points.pool.acquire() as connection:
        assert await sealed.sealed_otherwise(connection, [NEW]) == 0
    assert await who(points, PHONE) == one["id"]
    assert await found(points, "3434") == [one["id"]]
    assert await phone_of(points, one["id"]) == PHONE
    assert await points.pool.fetchrow(OF_MEMBER, UUID(one["id"])) == before
    await join(points, PHONE, 409, "taken")


async def test_under_a_wrong_key_what_needs_phones_says_so_and_the_rest_goes_on(
    points: Points,
) -> None:
    one = await join(points, PHONE)
    sealed.use(Keys(NEW))
    for path in ("/v1/members/lookup?phone=" + PHONE, f"/v1/members/{one['id']}/profile"):
        answer = await points.client.get(path, headers=owner())
        assert answer.status_code == 503, path
        assert answer.json()["type"] == "urn:tamaru:problem:personal-data-locked"
    refused = await points.client.post("/v1/members", json={"phone": OTHER}, headers=owner("n"))
    assert refused.status_code == 503, "nobody can say whether somebody has it"
    assert await found(points, one["card"]) == [one["id"]]
    assert await found(points, "3434") == []
    listed = (await points.client.get("/v1/members", headers=owner())).json()["items"]
    assert [each["phone"] for each in listed] == [None]
    card = submitted(MemberRef(card=one["card"]), 1000)
    await points.publish(card)
    await points.status(card.id, "awarded")
    awards = Awards(Rulebook(), Keys(QR_KEY))
    async with points.pool.acquire() as connection, connection.transaction():
        with pytest.raises(WrongKey):  # so the bus tries it later; nobody takes it for a stranger's
            await awards.handle(Batch(connection), [submitted(MemberRef(phone=PHONE), 1000)])
    left = await points.pool.fetchval("SELECT count(*) FROM waiting_purchases")
    assert left == 0


async def test_what_marks_are_made_with_is_made_once(points: Points) -> None:
    async def made() -> bytes:
        async with points.pool.acquire() as connection, connection.transaction():
            return await sealed.made_mark_key(connection)

    async def waits() -> Any:
        return await points.pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")

    async with points.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        gone = await sealed.made_mark_key(connection)
        await transaction.rollback()
        assert await sealed.mark_key(connection) is None
        transaction = connection.transaction()
        await transaction.start()
        first = await sealed.made_mark_key(connection)
        second = asyncio.create_task(made())
        await eventually(waits, "the second one saw nothing of the first")
        await transaction.commit()
    assert await second == first != gone
    assert await points.pool.fetchval("SELECT count(*) FROM mark_key") == 1


async def test_looking_alone_makes_no_key(points: Points) -> None:
    assert await who(points, PHONE) == 404 and await found(points, "3434") == []
    async with points.pool.acquire() as connection:
        ranges, _ = await searching.ranges_of(connection, "3434")
    assert {each.kind for each in ranges} == {"b", "r", "i"}
    assert await points.pool.fetchval("SELECT count(*) FROM mark_key") == 0


async def test_a_key_that_this_process_saw_elsewhere_marks_nothing(points: Points) -> None:
    """As after a transaction that failed, or with another database since."""
    one = await join(points, PHONE)
    async with points.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("DELETE FROM mark_key")
        other = await sealed.made_mark_key(connection)
        await transaction.rollback()
        kept = sealed.last_mark_key()
        assert kept is not None and kept.key == other
    assert await who(points, PHONE) == one["id"]
    await join(points, PHONE, 409, "taken")


async def test_a_phone_cannot_be_fitted_to_what_is_kept_of_a_call(points: Points) -> None:
    """Whoever has the table can make any body that was sent, but for the phone in it."""
    await join(points, PHONE, key="joined")
    event = submitted(MemberRef(phone=PHONE), 1000)
    await points.publish(event)
    await points.status(event.id, "awarded")
    guessed = [
        body_hash("member", {"external_id": None, "phone": PHONE}),
        event.data.body_hash,
    ]
    kept = [row[0] for row in await points.pool.fetch("SELECT body_hash FROM requests")]
    assert len(kept) == 2 and not set(kept) & set(guessed)
    await join(points, PHONE, key="joined")  # the same call again: done, not done twice
    await join(points, OTHER, 409, "joined")
    other = msgspec.structs.replace(event, data=submitted(MemberRef(phone=PHONE), 1001).data)
    await points.publish(event)
    await points.publish(other)

    async def refused() -> Any:
        return await points.told("purchase.rejected.v1")

    (told,) = await eventually(refused, "another body under this key was let pass")
    assert told["reason"] == "conflict"
    assert await points.pool.fetchval("SELECT count(*) FROM purchases") == 1
