"""A points service to test: what tests say to it and ask of it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec

from services.points.accounts.verifying import verify
from services.points.rules.program import DEMO
from shared import clock, ids
from shared.bus.bus import Bus
from shared.events import (
    Event,
    Line,
    LineEventReceived,
    MemberRef,
    Purchase,
    PurchaseSubmitted,
    new_event,
)
from shared.purchase_id import purchase_id
from tests import tables

QR_KEY = b"a key of the tests, 32 bytes long"
PURCHASE_KEY = b"another key of the tests"
HOOKS_KEY = b"a third key of the tests"
PERSONAL_KEY = "a key of the tests for personal data"
POS_KEY, OWNER_KEY = "tmr_pos_test", "tmr_owner_test"
TERMINAL = ids.new_id()
DEADLINE = 15.0
RATE = 100


async def until(check: Callable[[], object]) -> None:
    """Wait until `check` holds."""

    async def checked() -> object:
        return check()

    await eventually(checked, "it never came to hold")


async def eventually(check: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Wait until `check` gives something; fail with `what` after a deadline."""
    async with asyncio.timeout(DEADLINE):
        while True:
            found = await check()
            if found:
                return found
            await asyncio.sleep(0.01)
    raise AssertionError(what)


class Points:
    """A running points service with an empty shop."""

    def __init__(self, pool: Any, bus: Bus, client: httpx.AsyncClient, amqp_url: str) -> None:
        self.amqp_url = amqp_url
        self.pool = pool
        self.bus = bus
        self.client = client

    async def publish(self, *events: Event[Any]) -> None:
        """Publish and wait for the confirms."""
        await asyncio.gather(*(self.bus.publisher.publish(event) for event in events))

    async def follow(self, user: str, at: datetime | None = None, **line: Any) -> Event[Any]:
        """A follow event of LINE's, published."""
        event = line_event("follow", user, at, replyToken="f" * 32, **line)
        await self.publish(event)
        return event

    async def member(self, user: str) -> Any:
        """The member of a LINE user, once there is one."""

        async def found() -> Any:
            return await self.pool.fetchrow("SELECT * FROM members WHERE line_user_id = $1", user)

        return await eventually(found, "no member was made")

    async def handled(self, reader: str, *events: Event[Any]) -> None:
        """Publish events and wait until `reader` has had them all, in whatever order."""
        await self.publish(*events)

        async def seen() -> Any:
            return await self.pool.fetchval(
                "SELECT count(*) = $3 FROM inbox WHERE reader = $1 AND event_id = ANY($2)",
                reader,
                [event.id for event in events],
                len(events),
            )

        await eventually(seen, f"{reader} did not handle what was published")

    async def told(self, event_type: str) -> list[dict[str, Any]]:
        """The data of events that stood in the outbox, in order, left or not."""
        rows = await self.pool.fetch("SELECT body FROM said WHERE type = $1 ORDER BY n", event_type)
        return [event["data"] for row in rows for event in msgspec.json.decode(row["body"])]

    async def status(self, id: UUID, wanted: str) -> None:
        """Wait until a purchase's request has a status."""

        async def found() -> Any:
            return await self.pool.fetchval(
                "SELECT true FROM requests WHERE id = $1 AND status = $2", id, wanted
            )

        await eventually(found, f"{id} did not become {wanted}")

    async def balance(self, member: UUID) -> int:
        """Spendable points as the API says them."""
        answer = await self.client.get(f"/v1/members/{member}", headers=owner())
        assert answer.status_code == 200, answer.text
        return int(answer.json()["points"]["balance"])


async def verified(points: Points) -> None:
    """The ledger and everything derived from it agree."""
    async with points.pool.acquire() as connection:
        found = [each async for page in verify(connection) for each in page.findings]
    assert found == [], found


def owner(key: str | None = None) -> dict[str, str]:
    """Headers of an owner's call."""
    headers = {"Authorization": f"Bearer {OWNER_KEY}"}
    return {**headers, "Idempotency-Key": key} if key else headers


def pos(key: str | None = None) -> dict[str, str]:
    """Headers of a till's call."""
    headers = {"Authorization": f"Bearer {POS_KEY}"}
    return {**headers, "Idempotency-Key": key} if key else headers


def line_event(
    kind: str, user: str, at: datetime | None = None, **line: Any
) -> Event[LineEventReceived]:
    """A LINE event as webhook publishes it."""
    moment = at or clock.now()
    raw = {
        "type": kind,
        "mode": "active",
        "timestamp": int(moment.timestamp() * 1000),
        "source": {"type": "user", "userId": user},
        **line,
    }
    data = LineEventReceived(
        kind, msgspec.Raw(msgspec.json.encode(raw)), clock.now(), "Udestination", user
    )
    return new_event("/webhook", data)


def submitted(
    member: MemberRef, total: int = 1000, key: str | None = None, **purchase: Any
) -> Event[PurchaseSubmitted]:
    """A purchase as webhook publishes it."""
    key = key or ids.new_id().hex
    purchase.setdefault("occurred_at", clock.now())
    purchase.setdefault("lines", [Line(total, "A", "food")])
    made = Purchase(store="main", member=member, total=total, **purchase)
    body_hash = hashlib.sha256(msgspec.json.encode(made)).hexdigest()
    data = PurchaseSubmitted(made, TERMINAL, key, body_hash, clock.now())
    return new_event("/webhook", data, id=purchase_id(PURCHASE_KEY, TERMINAL, key))


async def empty(admin_url: str) -> None:
    """Nothing in the schema but the tables; whatever is said is kept in `said`."""
    await tables.empty(admin_url, "points")
    connection = await asyncpg.connect(admin_url)
    await connection.execute(
        """
        SET search_path TO points;
        CREATE TABLE IF NOT EXISTS said (
            n bigint GENERATED ALWAYS AS IDENTITY, type text, body bytea
        );
        CREATE OR REPLACE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
            $$ BEGIN
                INSERT INTO points.said (type, body) VALUES (new.type, new.body); RETURN new;
            END $$;
        CREATE OR REPLACE TRIGGER hear AFTER INSERT ON outbox
            FOR EACH ROW EXECUTE FUNCTION hear();
        GRANT SELECT ON said TO tamaru_points;
        """
    )
    await connection.close()


PLAIN: dict[str, Any] = {
    **DEMO,
    "accrual": {"rules": [{"id": "base", "type": "spend", "per": 100, "points": 1}]},
    "ranks": {
        **DEMO["ranks"],
        "levels": [
            {"code": "bronze", "name": "ブロンズ", "requires": {"visits": 1}},
            {"code": "silver", "name": "シルバー", "requires": {"points_earned": 100, "visits": 2}},
        ],
    },
}
"""The demo program without what depends on the day or the rank: 1 point per ¥100, welcome 50."""
