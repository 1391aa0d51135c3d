"""Who was erased since a backup is erased again when it comes back: with the tools of PostgreSQL,
the operator's commands, and the services' own consumers on the restored database."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from deploy.backup import taking
from services.notify.store.personal import hash_of
from services.points.store import phones, sealed
from shared import clock, ids, outbox
from shared.bus.bus import Bus
from shared.db import open_pool
from shared.events import MemberRef, RecipientNamed, new_event
from shared.keys import Keys
from tests import namespaces
from tests.conftest import Database
from tests.integration.deploy.conftest import empty
from tests.integration.deploy.operator import PERSONAL_KEY, Operator, execute
from tests.integration.points.house import (
    SECRETS,
    USER,
    House,
    consuming,
    everything,
    in_others,
    named_in,
    somebody,
)
from tests.integration.points.shop import Points, eventually, owner, submitted, verified

__all__ = ["empty"]

LIST = "erased-members.jsonl"


class Person:
    """Somebody by a digit, and what names them."""

    def __init__(self, digit: int) -> None:
        self.digit = digit
        self.user = "U" + f"a{digit}" * 16
        self.phone, self.external, self.name = (
            f"0906666000{digit}",
            f"crm-666{digit}",
            f"佐藤{digit}子",
        )
        self.email, self.receipt = f"sato{digit}@example.jp", f"receipt-666{digit}"
        self.id, self.card = "", ""

    @property
    def secrets(self) -> list[str]:
        return [
            self.user,
            self.phone,
            self.external,
            self.name,
            self.email,
            self.receipt,
            self.card,
        ]


async def joined(points: Points, house: House, digit: int) -> Person:
    """A member of whom every service keeps something."""
    one = Person(digit)
    await points.follow(one.user)
    row = await points.member(one.user)
    one.id, one.card = str(row["id"]), row["card"]
    profile = {
        "phone": one.phone,
        "external_id": one.external,
        "fields": {"name": one.name, "email": one.email},
        "consent": {"profile": {"given": True, "source": "counter"}},
    }
    path = f"/v1/members/{one.id}"
    await done(points.client.patch(path, json=profile, headers=owner(f"profile {digit}")))
    event = submitted(MemberRef(phone=one.phone), 1000, receipt=one.receipt)
    await points.publish(
        event, new_event("/notify", RecipientNamed(one.user, clock.now(), one.name))
    )
    await points.status(event.id, "awarded")

    async def known() -> Any:
        return await points.pool.fetchval("SELECT true FROM line_names WHERE name = $1", one.name)

    await eventually(known, "the name in LINE was not kept")
    await in_others(house, row["id"], one.user, one.name)
    return one


async def done(call: Any) -> Any:
    answer = await call
    assert answer.is_success, answer.text
    return answer.json()


async def act(points: Points, path: str, body: Any = None) -> Any:
    return await done(points.client.post(path, json=body, headers=owner(ids.new_id().hex)))


async def erased(points: Points, id: str, card: str) -> None:
    await act(points, f"/v1/members/{id}/erasure", {"confirm": card})


async def merged(points: Points, kept: Person, absorbed: Person) -> str:
    body = {"absorb": {"id": absorbed.id}, "reason": absorbed.name}
    return str((await act(points, f"/v1/members/{kept.id}/merge", body))["merge"]["id"])


async def notified(house: House, users: list[str]) -> None:
    """Wait until notify has heard of these erasures."""

    async def heard() -> Any:
        return await house.notify.fetchval(
            "SELECT count(*) = $2 FROM erasures WHERE user_hash = ANY($1)",
            [hash_of(user) for user in users],
            len(users),
        )

    await eventually(heard, "notify did not hear of it")


@asynccontextmanager
async def started(servers: Any, url: str, namespace: str) -> AsyncIterator[House]:
    """What stands on a restored database, once all that waited in points' outbox is handled."""
    database = Database(url)
    async with consuming(servers, database, namespace) as house:
        pool = await open_pool(database.url("points"), schema="points")
        bus = Bus(servers.amqp_url, namespace, "points")
        running = [asyncio.create_task(bus.run())]
        await bus.wait_up()
        running.append(asyncio.create_task(outbox.Relay(pool, bus.publisher).run()))

        async def left() -> Any:
            return await pool.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)")

        await eventually(left, "the outbox was not emptied")
        yield house
        running[1].cancel()
        await bus.stop()
        await running[0]
        await pool.close()


@pytest.fixture
async def house(
    points: Points, servers: Any, database: Any, namespace: str
) -> AsyncIterator[House]:
    """The other services, with nothing in them; nobody notes what points says."""
    await execute(database.admin_url, "DROP FUNCTION points.hear() CASCADE")
    await execute(database.admin_url, "DROP TABLE points.said")
    async with consuming(servers, database, namespace) as house:
        await house.notify.execute("TRUNCATE deliveries, recipients, line_events, erasures, outbox")
        await house.webhook.execute("TRUNCATE spool, outbox")
        yield house


@pytest.fixture
def later(servers: Any, spare_namespaces: list[str]) -> Iterator[str]:
    """The namespace of the bus that the restored shop has."""
    with namespaces.lent(spare_namespaces, servers.amqp_url, servers.redis_url) as name:
        yield name


@pytest.mark.parametrize(
    ("night", "key"),
    [("backup", ""), ("erased", PERSONAL_KEY), ("erased", "")],
    ids=["keys destroyed", "keys in the file", "keys that nothing opens"],
)
async def test_nothing_personal_comes_back_of_who_was_erased_since(
    night: str,
    key: str,
    points: Points,
    house: House,
    servers: Any,
    database: Any,
    empty: Operator,
    later: str,
    tmp_path: Path,
) -> None:
    shop = Operator(database.admin_url)
    plain = await somebody(points, house)
    left, one, two, keeper, guest, stays = [
        await joined(points, house, digit) for digit in range(1, 7)
    ]
    await act(points, f"/v1/members/{left.id}/leave")
    merge = await merged(points, keeper, guest)
    code, said = shop("backup", str(tmp_path))
    assert code == 0, said
    (old,) = taking.complete(tmp_path)

    await merged(points, one, two)
    await act(points, f"/v1/merges/{merge}/undo")
    await erased(points, str(plain["id"]), plain["card"])
    for each in (left, one, guest):
        await erased(points, each.id, each.card)
    gone = [left, one, two, guest]
    await notified(house, [USER, *(each.user for each in gone)])
    secrets = [*SECRETS, plain["card"], *(text for each in gone for text in each.secrets)]
    code, said = shop(night, str(tmp_path if night == "backup" else tmp_path / LIST))
    assert code == 0, said
    assert named_in((tmp_path / LIST).read_text(), secrets) == []

    code, said = empty("restore", str(old), PERSONAL_DATA_KEY=key)
    assert code == 0, said
    assert "0 differences" in said
    async with started(servers, empty.url, later) as restored:

        async def nothing() -> Any:
            return not named_in(await everything(restored), secrets)

        try:
            await eventually(nothing, "")
        except TimeoutError:
            lines = (await everything(restored)).splitlines()
            raise AssertionError([each for each in lines if named_in(each, secrets)]) from None
        text = await everything(restored)
    there = [*keeper.secrets, *stays.secrets]
    hidden = {keeper.phone, stays.phone}
    assert named_in(text, there) == [x for x in there if "@" not in x and x not in hidden]
    sealed.use(Keys(PERSONAL_KEY))
    pool = await open_pool(Database(empty.url).url("points"), schema="points", size=1)
    async with pool.acquire() as connection:
        numbers = {each.phone: UUID(each.id) for each in (keeper, stays)}
        assert await phones.find(connection, [*numbers, *(each.phone for each in gone)]) == numbers
        assert await phones.of(connection, numbers.values()) == {
            member: number for number, member in numbers.items()
        }
    await pool.close()
    told = "SELECT count(*) FROM points.audit_log WHERE act = 'tamaru restore'"
    assert await execute(empty.url, told) == 5, "a member's kin go with them"
    assert await execute(empty.url, "SELECT count(*) FROM points.member_keys") == 2
    assert empty("ledger", "verify")[0] == 0


async def test_who_cannot_be_erased_again_yet_is_told_and_the_others_are(
    points: Points, database: Any, tmp_path: Path
) -> None:
    """A merge that has to be undone for it cannot be while the one who stays has points held."""
    people = [Person(digit) for digit in (1, 2, 3)]
    for each in people:
        await points.follow(each.user)
        row = await points.member(each.user)
        each.id, each.card = str(row["id"]), row["card"]

    async def welcomed() -> bool:
        return await points.balance(UUID(people[0].id)) > 0

    await eventually(welcomed, "no welcome points")
    keeper, guest, other = people
    merge = await merged(points, keeper, guest)
    spend = {"member": {"card": keeper.card}, "store": "main", "points": 5}
    held = await act(points, "/v1/redemptions", spend)
    listed = [{"at": "2026-01-01T00:00:00Z", "member": each.id} for each in (guest, other)]
    (tmp_path / LIST).write_text("\n".join(map(json.dumps, listed)))

    again = Operator(database.admin_url)
    code, said = again("erased", str(tmp_path / LIST), "--again")
    assert (code, "erased again: 1 members" in said) == (1, True), said
    assert f"member {guest.id}: could not be erased again: Points are held" in said
    gone = "SELECT string_agg(id::text, ' ') FROM members WHERE erased_at IS NOT NULL"
    assert await points.pool.fetchval(gone) == other.id
    undone = "SELECT undone_at IS NOT NULL FROM merges WHERE id = $1"
    assert await points.pool.fetchval(undone, UUID(merge)) is False, "or half of it was done"

    await act(points, f"/v1/redemptions/{held['id']}/void", {})
    assert again("erased", str(tmp_path / LIST), "--again")[0] == 0
    kept = "SELECT string_agg(id::text, ' ') FROM members WHERE erased_at IS NULL"
    assert await points.pool.fetchval(kept) == keeper.id
    await verified(points)
