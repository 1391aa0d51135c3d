"""The services that keep something of a person beside points, a member of whom everything is known
in all of them, and all that is kept, to be looked through."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec

from services.notify.handlers import line_handlers
from services.notify.personal import PERSONAL_HANDLERS
from services.webhook.personal import PERSONAL
from shared import clock, outbox
from shared.bus.bus import Bus
from shared.db import open_pool
from shared.events import MemberRef, RecipientNamed, new_event
from tests.integration.points.shop import Points, eventually, owner, pos, submitted

USER = "U" + "5" * 32
IN_LINE = "ハナちゃん☆"
OTHER = "U" + "6" * 32
PHONE, EXTERNAL, NAME = "09055556666", "crm-5555", "山田花子"
MERGED = "0333333333"
SECRETS = (
    USER,
    PHONE,
    EXTERNAL,
    NAME,
    "1990-05-05",
    "receipt-0555",
    "やまだ様のお誕生日",
    MERGED,
    IN_LINE,
)
SAID = """
INSERT INTO deliveries (line_user_id, event_id, id, kind, status, messages, tries, created_at,
    finished_at)
VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'earned', 'delivered', $2, 1, $3, $3)
"""
KEPT = """
INSERT INTO recipients (line_user_id, member_id, language, display_name, blocked, changed_at)
VALUES ($1, $2, 'ja', $3, false, $4)
ON CONFLICT (line_user_id) DO UPDATE
SET member_id = excluded.member_id, display_name = excluded.display_name
"""
HOOK = """
INSERT INTO hook_endpoints (id, url, events, include_line_user_id, status, secret_generation,
    created_at, changed_at)
VALUES (gen_random_uuid(), 'https://shop.example/hook', ARRAY['*'], true, 'active', 1, $1, $1)
"""


class Silent:
    """An announcer that says nothing: what is kept is what matters here."""

    async def language(self, _: Any) -> str:
        return "ja"

    async def announce(self, *_: Any, **__: Any) -> None:
        pass


class House:
    """The two other services beside points."""

    def __init__(self, notify: Any, webhook: Any, admin_url: str) -> None:
        self.notify, self.webhook, self.admin_url = notify, webhook, admin_url


@asynccontextmanager
async def consuming(servers: Any, database: Any, namespace: str) -> AsyncIterator[House]:
    """notify's and webhook's consumers of what concerns personal data, and LINE's events."""
    async with asyncio.timeout(30):
        pools, running, stops = [], [], []
        wirings: dict[str, Any] = {
            "notify": {
                "notify.personal": PERSONAL_HANDLERS,
                "notify.line": line_handlers(Silent()),
            },
            "webhook": {"webhook.personal": PERSONAL},
        }
        for schema, wiring in wirings.items():
            pool = await open_pool(database.url(schema), schema=schema)
            bus = Bus(servers.amqp_url, namespace, schema)
            for purpose, handlers in wiring.items():
                relay = outbox.Relay(pool, bus.publisher)
                bus.consume(purpose, handlers, pool, relay, use_inbox=False)
            running.append(asyncio.create_task(bus.run()))
            await bus.wait_up()
            pools.append(pool)
            stops.append(bus.stop)
    yield House(*pools, database.admin_url)
    for stop in stops:
        await stop()
    await asyncio.gather(*running)
    for pool in pools:
        await pool.close()


async def emptied(house: House) -> None:
    """Leave nothing of a person in the other services."""
    await house.notify.execute("TRUNCATE deliveries, recipients, line_events, erasures, outbox")
    await house.webhook.execute("TRUNCATE spool, outbox")


async def somebody(points: Points, house: House) -> Any:
    """A member of whom everything is known, in every service."""
    await points.pool.execute(HOOK, clock.now())
    await points.follow(USER)
    member = await points.member(USER)
    id = member["id"]
    profile = {
        "phone": PHONE,
        "external_id": EXTERNAL,
        "birthday": "1990-05-05",
        "fields": {"name": NAME},
        "consent": {"profile": {"given": True, "source": "counter"}},
    }
    answer = await points.client.patch(f"/v1/members/{id}", json=profile, headers=owner("profile"))
    assert answer.is_success, answer.text
    event = submitted(MemberRef(phone=PHONE), 1000, receipt="receipt-0555")
    await points.publish(event)
    await points.status(event.id, "awarded")
    reason = {"points": 5, "reason": "やまだ様のお誕生日"}
    path = f"/v1/members/{id}/adjustments"
    assert (await points.client.post(path, json=reason, headers=owner("gift"))).is_success
    body = {"member": {"phone": PHONE}, "store": "main", "points": 3, "capture": True}
    assert (await points.client.post("/v1/redemptions", json=body, headers=pos("r"))).is_success
    other = await points.client.post("/v1/members", json={"phone": MERGED}, headers=owner("o"))
    merged = {"absorb": {"id": other.json()["id"]}, "reason": f"{NAME}"}
    path = f"/v1/members/{id}/merge"
    assert (await points.client.post(path, json=merged, headers=owner("m"))).is_success
    replaced = {"reason": f"{NAME} lost it"}
    path = f"/v1/members/{id}/card"
    answer = await points.client.post(path, json=replaced, headers=owner("card"))
    assert answer.is_success, answer.text
    named = new_event("/notify", RecipientNamed(USER, clock.now(), IN_LINE))
    await points.publish(named)

    async def known() -> Any:
        return await points.pool.fetchval("SELECT true FROM line_names WHERE name = $1", IN_LINE)

    await eventually(known, "the name in LINE was not kept")
    await in_others(house, id)
    await said_to(house, OTHER, None, "somebody else")
    return await points.pool.fetchrow("SELECT * FROM members WHERE id = $1", id)


async def in_others(house: House, member: Any, user: str = USER, name: str = NAME) -> None:
    """What notify and webhook keep of a member who follows."""
    now = clock.now() - timedelta(minutes=1)
    await said_to(house, user, member, name)
    spooled = msgspec.json.encode({"data": {"user_id": user}})
    await house.webhook.execute(
        "INSERT INTO spool (type, body, accepted_at) VALUES ('line.event_received.v1', $1, $2)",
        spooled,
        now,
    )

    async def kept() -> Any:
        return await house.notify.fetchval(
            "SELECT true FROM line_events WHERE line_user_id = $1", user
        )

    await eventually(kept, "the follow was not kept")


async def said_to(house: House, user: str, member: Any, name: str) -> None:
    """A message to somebody, and the recipient."""
    now = clock.now() - timedelta(minutes=1)
    texts = msgspec.json.encode([{"type": "text", "text": f"{user} さんへ"}]).decode()
    await house.notify.execute(SAID, user, texts, now)
    await house.notify.execute(KEPT, user, member, name, now)


async def everything(house: House) -> str:
    """All rows of all tables of all services, as text."""
    connection = await asyncpg.connect(house.admin_url)
    tables = await connection.fetch(
        """SELECT table_schema || '.' || quote_ident(table_name) FROM information_schema.tables
        WHERE table_schema IN ('points', 'notify', 'webhook', 'scheduler')
            AND table_name NOT IN ('said', 'outbox', 'migrations')"""
    )
    found = []
    for (table,) in tables:
        rows = await connection.fetch(f"SELECT t::text, to_jsonb(t)::text FROM {table} t")
        found += [f"{table}: {row[0]} {row[1]}" for row in rows]
        if table == "webhook.spool":
            found += [
                f"{table}: {row[0]!r}"
                for row in await connection.fetch(f"SELECT body FROM {table}")
            ]
    await connection.close()
    return "\n".join(found)


def named_in(text: str, secrets: Iterable[str]) -> list[str]:
    """Which of these secrets stand in it, as text or as the bytes of a `bytea`."""
    return [each for each in secrets if each in text or each.encode().hex() in text]
