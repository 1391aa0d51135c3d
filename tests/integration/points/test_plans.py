"""What many members have does not make a search look through it."""

from typing import Any

from services.points.rules import typed
from services.points.store import member_search
from tests.integration.plans import work
from tests.integration.points.shop import Points

CROWD = 20_000
MOST = CROWD // 20
_ID = "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
_MEMBERS = f"""
INSERT INTO members (id, card, status, friend, joined_at)
SELECT {_ID}, 'X-' || n, 'active', false, now() FROM generate_series(1, {CROWD}) AS n
"""
_PHONES = f"""
INSERT INTO member_phones (member_id, mark, ends, sealed)
SELECT {_ID}, decode(md5(n::text), 'hex'), ARRAY[lpad((n % 1000)::text, 4, '0'), 'five ' || n], ''
FROM generate_series(1, {CROWD}) AS n
"""
_HITS = "text, text, uuid, text, integer, text"
_PLACES = "uuid[], text[], text[], text[], text[]"


async def test_last_digits_are_looked_for_among_those_who_have_the_last_four(
    points: Points,
) -> None:
    await points.pool.execute(_MEMBERS)
    await points.pool.execute(_PHONES)
    await points.pool.execute("ANALYZE member_terms, member_phones")
    end, high, last = "0007", "0007" + typed.HIGHEST, "five 7"
    given: list[Any] = ["s", end, typed.START, high, 100, last]
    assert await work(points.pool, member_search._HITS, _HITS, *given) < MOST
    block = await points.pool.fetch("SELECT id FROM members LIMIT 100")
    members = ",".join(str(each["id"]) for each in block)
    ranges = [f'{{"{each}"}}' for each in ("s", end, high, last)]
    places = await work(points.pool, member_search._PLACES, _PLACES, f"{{{members}}}", *ranges)
    assert 100 < places < 3 * MOST
