"""A ledger of any size, made in the database: what `growth` measures on.

The rows have the shape of what awards write, the ids their order (members, entries and lots by
time; purchases by nothing), and each member's rows are spread over the whole as years would spread
them. Unique constraints are taken off while a table is filled and put back after: building an index
from sorted rows is what makes ten million take minutes.
"""

import asyncio
from datetime import datetime, timedelta

import asyncpg

from shared import clock

POINTS = 11
"""What each filled purchase earned."""

_ID = """
CREATE FUNCTION bench_id(kind bigint, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(1600000000000 + kind * 10000000000 + n / 100), 12, '0') || '7'
        || lpad(to_hex(n % 100), 3, '0') || '8' || substr(md5(n::text), 1, 15))::uuid
$$
"""
_MEMBERS = """
INSERT INTO members (id, card, external_id, status, friend, joined_at)
SELECT bench_id(0, n), '9' || lpad(n::text, 12, '0'), 'grown-' || n, 'active', false,
    $3::timestamptz - make_interval(secs => $4::float8 * (1 - n / $2::float8))
FROM generate_series($1::bigint, $2::bigint - 1) AS n
"""
_ACCOUNTS = """
INSERT INTO accounts (member_id, unit, in_lots, pending, held, debt, earned, spent, amount_spent,
                      purchases, visits, remainder_numerator, remainder_denominator)
SELECT bench_id(0, n), 'point', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
FROM generate_series($1::bigint, $2::bigint - 1) AS n
"""
_AT = "$4::timestamptz - make_interval(secs => $5::float8 * (1 - n / $2::float8))"
_ROWS = {
    "entries": f"""
INSERT INTO entries (member_id, id, unit, kind, amount, balance_after, cause, occurred_at,
                     recorded_at, source, actor, program_version, explanation)
SELECT bench_id(0, n % $3), bench_id(1, n), 'point', 'earn', {POINTS}, (n / $3 + 1) * {POINTS},
    md5('purchase' || n)::uuid, {_AT}, {_AT}, 'purchase',
    'terminal:01890000-0000-7000-8000-000000000000', 1,
    '{{"base":1180,"rules":[{{"id":"base","type":"spend","per":100,"each":1,"amount":1180,'
        '"points":"11"}}],"points":11}}'
FROM generate_series($1::bigint, $2::bigint - 1) AS n""",
    "lots": f"""
INSERT INTO lots (member_id, entry_id, unit, opened, remaining, opened_at)
SELECT bench_id(0, n % $3), bench_id(1, n), 'point', {POINTS}, {POINTS}, {_AT}
FROM generate_series($1::bigint, $2::bigint - 1) AS n""",
    "purchases": f"""
INSERT INTO purchases (member_id, id, entry_id, store, terminal_id, occurred_at, accepted_at,
                       total, visits, points, purchase, context)
SELECT bench_id(0, n % $3), md5('purchase' || n)::uuid, bench_id(1, n), 'main',
    '01890000-0000-7000-8000-000000000000', {_AT}, {_AT}, 1180, 1, {POINTS},
    '{{"store":"main","total":1180}}', '{{}}'
FROM generate_series($1::bigint, $2::bigint - 1) AS n""",
    "requests": f"""
INSERT INTO requests (id, terminal_id, key, body_hash, kind, status, member_id, created_at)
SELECT md5('purchase' || n)::uuid, '01890000-0000-7000-8000-000000000000', 'grown-' || n,
    md5(n::text) || md5(n::text), 'purchase', 'awarded', bench_id(0, n % $3), {_AT}
FROM generate_series($1::bigint, $2::bigint - 1) AS n""",
}
_SUMS = f"""
UPDATE accounts SET in_lots = sums.points, earned = sums.points, purchases = sums.purchases,
    visits = sums.purchases, amount_spent = sums.points / {POINTS} * 1180, last_visit_at = $1
FROM (
    SELECT member_id, sum(remaining) AS points, count(*) AS purchases FROM lots GROUP BY 1
) AS sums
WHERE accounts.member_id = sums.member_id
"""
_CONSTRAINTS = """
SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE conrelid = $1::text::regclass AND contype IN ('p', 'u') ORDER BY contype
"""
_SETTINGS = {"search_path": "points", "maintenance_work_mem": "512MB", "jit": "off"}


class Filler:
    """Fills the ledger of one database; it remembers how far it is."""

    def __init__(self, admin_url: str) -> None:
        self._url = admin_url
        self._members = 0
        self._entries = 0

    @property
    def cards(self) -> list[str]:
        """The cards of the members so far."""
        return [f"9{number:012d}" for number in range(self._members)]

    async def grow(self, entries: int, members: int, spread: timedelta = timedelta()) -> None:
        """Fill up to so many of each, and leave the tables as after a quiet night. What is filled
        happened evenly over `spread` up to now."""
        now = clock.now()
        connection = await self._connect()
        if not self._members:
            await connection.execute(_ID)
        seconds = spread.total_seconds()
        await connection.execute(_MEMBERS, self._members, members, now, seconds)
        await connection.execute(_ACCOUNTS, self._members, members)
        await asyncio.gather(*(self._fill(table, entries, members, now, spread) for table in _ROWS))
        await connection.execute(_SUMS, now)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
        await connection.close()
        self._entries, self._members = entries, members

    async def _fill(
        self, table: str, entries: int, members: int, now: datetime, spread: timedelta
    ) -> None:
        connection = await self._connect()
        async with connection.transaction():
            constraints = await connection.fetch(_CONSTRAINTS, table)
            for each in constraints:
                await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {each['name']}")
            await connection.execute(
                _ROWS[table], self._entries, entries, members, now, spread.total_seconds()
            )
            for each in constraints:
                await connection.execute(
                    f"ALTER TABLE {table} ADD CONSTRAINT {each['name']} {each['definition']}"
                )
        await connection.close()

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self._url, server_settings=_SETTINGS)
