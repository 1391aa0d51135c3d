"""(m) A member found among a million while somebody types: each letter is a call of the API.

Everybody has a name, its kana, a phone number, an id of the shop's and a name in LINE. What is
typed is looked for as the owner's page asks for it, 20 at a time; beside it the same process reads
one member by id, in turns. The index is made by what takes in the members of an older installation.
"""

import random
import statistics
import time
from collections.abc import Sequence

import aiohttp
import asyncpg
import msgspec

from deploy.bench.databases import PASSWORD
from deploy.bench.house import House
from deploy.bench.people import WORST, Person, people, typed
from deploy.bench.results import Line
from deploy.local.plan import role_url
from services.points.members import searching
from shared import clock
from shared.db import open_pool

MEMBERS = 1_000_000
SEARCHES = 5_000
MOST_MS = 50.0
SHOWN = 20


_RAW = """
SET search_path TO points;
CREATE TEMPORARY TABLE raw (card text, phone text, external_id text, name text, kana text,
    line_name text);
CREATE TEMPORARY SEQUENCE numbers;
"""
_BEFORE = (
    """
INSERT INTO members (id, card, line_user_id, external_id, phone, status, friend, joined_at)
SELECT (lpad(to_hex(1600000000000 + n), 12, '0') || '70008' || substr(md5(card), 1, 15))::uuid,
    card, 'U' || md5(card), external_id, phone, 'active', true, $1::timestamptz
FROM (SELECT *, nextval('numbers') AS n FROM raw) AS raw ON CONFLICT DO NOTHING
""",
    """
INSERT INTO profiles (member_id, fields, consent, tags, names)
SELECT m.id, jsonb_build_object('name', r.name, 'name_kana', r.kana), '{}',
    CASE WHEN m.card LIKE '%7' THEN ARRAY['常連'] ELSE '{}'::text[] END, ''
FROM raw r JOIN members m USING (card) WHERE $1::timestamptz IS NOT NULL
""",
    """
INSERT INTO accounts (member_id, unit, in_lots, pending, held, debt, earned, spent, amount_spent,
    purchases, visits, last_visit_at, remainder_numerator, remainder_denominator)
SELECT id, 'point', 0, 0, 0, 0, 0, 0, 0, 0, 1,
    CASE WHEN card::bigint % 3 > 0
        THEN $1::timestamptz - make_interval(secs => card::bigint % 9999999) END, 0, 1
FROM members
""",
    """
INSERT INTO purchases (member_id, id, entry_id, store, terminal_id, occurred_at, accepted_at, total,
    visits, points, purchase, context)
SELECT member_id, member_id, member_id, 'main', member_id, last_visit_at, last_visit_at, 1180, 1,
    11, '{"store": "main", "total": 1180}', '{}'
FROM accounts WHERE last_visit_at IS NOT NULL AND $1::timestamptz IS NOT NULL
""",
    """
INSERT INTO entries (member_id, id, unit, kind, amount, balance_after, cause, occurred_at,
    recorded_at, source, actor, program_version, explanation)
SELECT member_id, id, 'point', 'earn', points, points, id, occurred_at, occurred_at, 'purchase',
    'terminal:' || id, 1, '{"base": 1180, "points": 11}'
FROM purchases WHERE $1::timestamptz IS NOT NULL
""",
    """
INSERT INTO member_terms_due
SELECT '00000000-0000-0000-0000-000000000000' WHERE $1::timestamptz IS NOT NULL
""",
)
_NAMED = """
INSERT INTO line_names (line_user_id, id, name, named_at)
SELECT 'U' || md5(card), gen_random_uuid(), line_name, $1 FROM raw ON CONFLICT DO NOTHING
"""
_SIZES = """
SELECT count(*), pg_relation_size('member_terms'), pg_relation_size('member_terms_found'),
    pg_relation_size('member_terms_owner') FROM member_terms
"""
_LIVED = """
WITH made AS (
    SELECT md5('lived' || n)::uuid AS purchase, n, (lpad(to_hex(1700000000000 + n), 12, '0')
        || '70008' || substr(md5(n::text), 1, 15))::uuid AS id
    FROM generate_series(1, 10000) AS n
), bought AS (
    INSERT INTO purchases (member_id, id, entry_id, store, terminal_id, occurred_at, accepted_at,
        total, visits, points, purchase, context)
    SELECT $1::uuid, purchase, id, 'main', purchase, $2, $2, 1180, 1, 11,
        '{"store": "main", "total": 1180, "lines": [{"amount": 1180, "name": "珈琲", "sku": "A"}]}',
        '{}' FROM made
)
INSERT INTO entries (member_id, id, unit, kind, amount, balance_after, cause, occurred_at,
    recorded_at, source, actor, program_version, explanation)
SELECT $1::uuid, id, 'point', 'earn', 11, 11 * n, purchase, $2, $2::timestamptz, 'purchase',
    'terminal:' || purchase, 1, '{"base": 1180, "points": 11, "rules": [{"id": "base",
        "type": "spend", "per": 100, "each": 1, "amount": 1180, "points": "11"}]}' FROM made
"""
_MOST = "SELECT member_id FROM purchases GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
_SOME = "SELECT id FROM members TABLESAMPLE SYSTEM (1) LIMIT 1000"


class Answers(msgspec.Struct):
    """How long each call took, in ms, with what was asked."""

    took: list[tuple[float, str]] = []

    def at(self, share: float) -> float:
        """So much of the calls took no longer."""
        ordered = sorted(ms for ms, _ in self.took)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def measure(house: House, scale: float) -> list[Line]:
    """A smaller shop for a smaller scale."""
    house.call("migrate", "demo")
    found = list(people(int(MEMBERS * scale)))
    house.tell(f"(m) filling up to {len(found):,} members")
    connection = await asyncpg.connect(house.database_url, server_settings={"jit": "off"})
    lines = await _fill(house, connection, found)
    members = [str(row["id"]) for row in await connection.fetch(_SOME)]
    lived = str(await connection.fetchval(_MOST))
    await connection.close()
    house.tell("(m) typing")
    house.call("points-web")
    lines += await _type(house, found, [lived, *members], int(SEARCHES * scale))
    house.send_away("points-web")
    return lines


async def _fill(
    house: House, connection: asyncpg.Connection, found: Sequence[Person]
) -> list[Line]:
    """As they stood before search was; then what they are found by, and LINE's names as notify
    tells them."""
    await connection.execute(_RAW)
    rows = [(it.card, it.phone, it.external_id, it.name, it.kana, it.line_name) for it in found]
    await connection.copy_records_to_table("raw", records=rows)
    await connection.execute("SET session_replication_role TO replica")
    for statement in _BEFORE:
        await connection.execute(statement, clock.now(), timeout=3600)
    await connection.execute("SET session_replication_role TO DEFAULT")
    taken = await _take_in(house)
    begin = time.perf_counter()
    await connection.execute(_NAMED, clock.now(), timeout=3600)
    named = time.perf_counter() - begin
    lived = (await connection.fetch(_SOME))[0]["id"]
    await connection.execute(_LIVED, lived, clock.now(), timeout=3600)
    await connection.execute("VACUUM (ANALYZE)", timeout=3600)
    ((terms, table, index, owners),) = await connection.fetch(_SIZES)
    each = len(found)
    parts = f"table {table / each:.0f}, index {index / each:.0f}, owners {owners / each:.0f}"
    return [
        Line("(m) members taken into search", each / taken, note=f"{terms / each:.1f} terms each"),
        Line("(m) LINE's names written", each / named),
        Line("(m) search, bytes a member", (table + index + owners) / each, "B", note=parts),
    ]


async def _take_in(house: House) -> float:
    """The seconds that it takes at full speed; in the shop it rests for half of the time."""
    pool = await open_pool(role_url(house.database_url, "points", PASSWORD), schema="points")
    begin = time.perf_counter()
    while await searching.take_in(pool):
        pass
    took = time.perf_counter() - begin
    await pool.close()
    return took


async def _type(
    house: House, found: Sequence[Person], members: Sequence[str], searches: int
) -> list[Line]:
    dice = random.Random(7)  # noqa: S311 - nothing secret
    texts: list[str] = []
    while len(texts) < searches:
        texts += typed(dice.choice(found), dice)
    answers = {
        "typed": Answers([]),
        "worst": Answers([]),
        "filtered": Answers([]),
        "told": Answers([]),
    }
    plain = Answers([])
    headers = {"Authorization": f"Bearer {house.env['OWNER_API_KEY']}"}
    async with aiohttp.ClientSession(house.env["POINTS_URL"], headers=headers) as session:
        for text in texts[:200]:
            await _ask(session, Answers([]), text)  # warms up
        for text in texts:
            await _ask(session, answers["typed"], text)
            await _call(session, plain, f"/v1/members/{dice.choice(members)}", {})
        for text in WORST * 10:
            await _ask(session, answers["worst"], text)
        for text in texts[: len(texts) // 4]:
            more = dice.choice(({"tag": "常連"}, {"status": "active"}, {"tag": "誰も"}))
            await _ask(session, answers["filtered"], text, **more)
        for _ in range(searches // 10):
            await _read(session, members[0], answers["told"])
    return [_line(name, each, plain) for name, each in answers.items()]


async def _read(session: aiohttp.ClientSession, member: str, into: Answers) -> None:
    """The first page of a long story, and one from the middle of it."""
    path = f"/v1/members/{member}/story"
    async with session.get(path, params={"limit": "200"}) as answer:
        following = (await answer.json())["next"]
    await _call(session, into, path, {"limit": "30"})
    await _call(session, into, path, {"limit": "30", "cursor": following})


async def _ask(session: aiohttp.ClientSession, into: Answers, text: str, **more: str) -> None:
    await _call(session, into, "/v1/members", {"q": text, "limit": str(SHOWN), **more})


async def _call(
    session: aiohttp.ClientSession, into: Answers, path: str, parameters: dict[str, str]
) -> None:
    begin = time.perf_counter()
    async with session.get(path, params=parameters) as answer:
        await answer.read()
        into.took.append(((time.perf_counter() - begin) * 1000, str(parameters)))
        if answer.status != 200:
            raise RuntimeError(f"{path} {parameters}: {answer.status} {await answer.text()}")


def _line(name: str, answers: Answers, plain: Answers) -> Line:
    slow, what = max(answers.took)
    middle = statistics.median(ms for ms, _ in answers.took)
    what_of = "a story of 10,000 entries" if name == "told" else f"search, {name}"
    return Line(
        f"(m) {what_of}, p99",
        answers.at(0.99),
        "ms",
        "one member by id, p99 ms",
        plain.at(0.99),
        target=MOST_MS,
        most=True,
        note=f"{len(answers.took):,} calls; p50 {middle:.1f} ms beside {plain.at(0.5):.1f}; "
        f"at most {slow:.1f} ms for {what}",
    )
