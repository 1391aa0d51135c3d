"""While a key is changed, what was made with the old one is good; afterwards it is not."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.points.errors import CodeRefused
from services.points.members import codes, link_codes
from services.points.members.codes import Shown
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.rules import qr
from shared import clock, ids
from shared.bus.handling import Batch
from shared.events import MemberRef
from shared.keys import Keys
from shared.purchase_id import purchase_id
from tests.integration.points.desk import joined
from tests.integration.points.shop import PURCHASE_KEY, QR_KEY, TERMINAL, Points, owner, submitted

NEW = "the key that comes after it, long enough"
BOTH, LATER = Keys(NEW.encode(), QR_KEY), Keys(NEW.encode())


@pytest.fixture
async def member(points: Points) -> Any:
    return await joined(points)


def set_keys(points: Points, **keys: str | None) -> None:
    """The settings of the API from now on."""
    state = points.client._transport.app.state  # type: ignore[attr-defined]
    state.settings = type(state.settings)(**{**dict(state.settings), **keys})
    state.card.qr_keys = state.settings.qr_keys


async def test_a_members_code_outlives_the_key_that_signed_it(points: Points, member: Any) -> None:
    token = qr.make(QR_KEY, member["id"], clock.now())
    other = qr.make(QR_KEY, ids.new_id(), clock.now())
    async with points.pool.acquire() as connection, connection.transaction():

        async def admitted(keys: Keys[bytes], token: str) -> Any:
            shown = [Shown(token, TERMINAL, clock.now())]
            return (await codes.admit(connection, keys, shown))[0]

        assert await admitted(BOTH, token) == member["id"]
        refused = await admitted(LATER, other)
        assert isinstance(refused, CodeRefused) and refused.kind == "forged"


async def test_codes_of_screen_and_card_are_made_with_the_new_key_only(
    points: Points, member: Any
) -> None:
    set_keys(points, qr_signing_key=NEW, qr_signing_key_old=QR_KEY.decode())
    answer = await points.client.get("/v1/stores/main/visit-code", headers=owner())
    code = answer.json()["code"]
    page = await points.client.get("/card/visit", params={"c": code})
    assert page.status_code == 200
    set_keys(points, qr_signing_key=NEW, qr_signing_key_old="")
    points.client.cookies.clear()
    assert (await points.client.get("/card/visit", params={"c": code})).status_code == 200
    set_keys(points, qr_signing_key=QR_KEY.decode())
    points.client.cookies.clear()
    assert (await points.client.get("/card/visit", params={"c": code})).status_code == 404


async def test_a_link_code_is_found_under_the_key_it_was_made_with(
    points: Points, member: Any
) -> None:
    made = await points.client.post(
        "/v1/members", json={"phone": "09012345678"}, headers=owner("m")
    )
    async with points.pool.acquire() as connection, connection.transaction():
        card = made.json()["id"]
        id = UUID(card)
        issued = await link_codes.issue(Batch(connection), QR_KEY, ids.new_id(), id)
        now = clock.now()
        assert await link_codes.find(connection, LATER, issued.code, now) is None
        assert await link_codes.find(connection, BOTH, issued.code, now) == id
        await link_codes.hold(connection, BOTH, issued.code, id, now)
        assert await link_codes.use(connection, BOTH, issued.code)


async def test_a_purchase_that_is_repeated_after_the_key_changed_counts_once(
    points: Points, member: Any
) -> None:
    first = submitted(MemberRef(card=member["card"]), key="receipt 1")
    await points.publish(first)
    await points.status(first.id, "awarded")
    balance = await points.balance(member["id"])
    repeat = msgspec.structs.replace(
        first, id=purchase_id(NEW.encode(), TERMINAL, "receipt 1"), data=first.data
    )
    fresh = submitted(MemberRef(card=member["card"]), key="receipt 2")
    fresh = msgspec.structs.replace(fresh, id=purchase_id(NEW.encode(), TERMINAL, "receipt 2"))
    awards = Awards(Rulebook(), Keys(QR_KEY), PURCHASE_KEY)
    async with points.pool.acquire() as connection, connection.transaction():
        await awards.handle(Batch(connection), [repeat])
    assert await points.balance(member["id"]) == balance
    async with points.pool.acquire() as connection, connection.transaction():
        await awards.handle(Batch(connection), [fresh, repeat])
    assert await points.balance(member["id"]) == balance + 10

    async def told(id: Any) -> Any:
        answer = await points.client.get(f"/v1/purchases/{id}", headers=owner())
        return answer.json().get("status", answer.status_code)

    on_its_way = purchase_id(PURCHASE_KEY, TERMINAL, "sent just before")
    set_keys(points, purchase_id_key=NEW, purchase_id_key_old=PURCHASE_KEY.decode())
    assert [await told(each.id) for each in (first, repeat, fresh)] == ["awarded"] * 3
    assert await told(on_its_way) == "accepted"
    set_keys(points, purchase_id_key=NEW, purchase_id_key_old=None)
    assert await told(first.id) == await told(fresh.id) == "awarded"
    assert await told(on_its_way) == 404
