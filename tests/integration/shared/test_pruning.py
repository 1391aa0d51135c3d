"""What grows is pruned by age on real tables, in pages, and only what is old and over."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from services.notify import retention as notify
from services.points.nights import retention as points
from services.scheduler import retention as scheduler
from shared import clock, pruning
from shared.db import open_pool

RULES = {"points": points.RULES, "notify": notify.RULES, "scheduler": scheduler.RULES}
EACH = [(service, rule) for service, rules in RULES.items() for rule in rules]
MINUTE = timedelta(minutes=1)
ROWS = 25

_MEMBER = """WITH m AS (INSERT INTO members (id, card, status, friend, joined_at)
    VALUES (gen_random_uuid(), gen_random_uuid()::text, 'active', false, $1) RETURNING id)"""

# One row whose age is $1; every call makes another row.
INSERT = {
    "inbox": "INSERT INTO inbox VALUES ('reader', gen_random_uuid(), $1)",
    "qr_uses": "INSERT INTO qr_uses VALUES (gen_random_uuid()::text, gen_random_uuid(), $1)",
    "counter_acts": """INSERT INTO counter_acts (member_id, id, kind, store, actor, actor_id,
            named_by, happened_at, acted_at)
        VALUES (gen_random_uuid(), gen_random_uuid(), 'visit', 'main', 'staff:x',
            gen_random_uuid(), 'qr', $1, $1)""",
    "departures": "INSERT INTO departures VALUES (gen_random_uuid()::text, $1)",
    "rank_runs": """INSERT INTO rank_runs VALUES
        (gen_random_uuid(), 'nightly', true, gen_random_uuid(), $1, $1)""",
    "route_visits": """WITH r AS (INSERT INTO routes
            VALUES (replace(gen_random_uuid()::text, '_', '-'), 'n', 'poster', NULL, true, $1, $1)
            RETURNING code)
        INSERT INTO route_visits SELECT gen_random_uuid()::text, code, $1 FROM r""",
    "hook_messages": """INSERT INTO hook_messages (id, type, at, data)
        VALUES (gen_random_uuid(), 'points.earned.v1', $1, '{}')""",
    "nights": """INSERT INTO nights (id, asked_at, step, after_at, after_member, activated, expired,
        warned, finished_at)
        VALUES (gen_random_uuid(), $1, 'done', $1, gen_random_uuid(), 0, 0, 0, $1)""",
    "ledger_checks": """INSERT INTO ledger_checks (id, asked_at, parts, after_member, members,
        entries, differences, findings, finished_at)
        VALUES (gen_random_uuid(), $1, 4, gen_random_uuid(), 1, 1, 0, '[]', $1)""",
    "expiry_warnings": "INSERT INTO expiry_warnings VALUES (gen_random_uuid(), $1, 7, 10, true)",
    "link_codes": f"""{_MEMBER} INSERT INTO link_codes
        SELECT gen_random_uuid()::text, id, $1 FROM m""",
    "link_nonces": f"""{_MEMBER} INSERT INTO link_nonces
        SELECT gen_random_uuid()::text, id, $1 FROM m""",
    "link_attempts": "INSERT INTO link_attempts VALUES ('U', $1)",
    "member_exports": f"""{_MEMBER} INSERT INTO member_exports
        SELECT gen_random_uuid(), id, 'test', $1 FROM m""",
    "segment_requests": """INSERT INTO segment_requests
        (id, definition, single, attempts, members, asked_at, finished_at)
        VALUES (gen_random_uuid(), '{"all": true}', false, 1, 0, $1, $1)""",
    "import_contents": """WITH i AS (INSERT INTO imports (id, file_name, size, sha256, preset,
            upload_id, state, asked_by, asked_at, changed_at)
            VALUES (gen_random_uuid(), 'f', 1, 'h', 'other', gen_random_uuid(), 'done', 'x', $1, $1)
            RETURNING id)
        INSERT INTO import_contents SELECT id, $1 FROM i""",
    "import_chunks": "INSERT INTO import_chunks VALUES (gen_random_uuid(), 0, '', $1)",
    "takeouts": """INSERT INTO takeouts (id, status, asked_by, asked_at)
        VALUES (gen_random_uuid(), 'done', 'x', $1)""",
    "erasures": "INSERT INTO erasures VALUES (gen_random_uuid()::text, $1)",
    "ticks": "INSERT INTO ticks VALUES (gen_random_uuid()::text, $1, $1)",
    "hand_overs": "INSERT INTO hand_overs VALUES (gen_random_uuid()::text, $1, 1, 0, $1)",
    "acts": "INSERT INTO acts VALUES (gen_random_uuid(), 'run', 'schedule:nightly', 'key:x', $1)",
    "requests": "INSERT INTO requests VALUES (gen_random_uuid(), 'hash', $1)",
    "latest_words": "INSERT INTO latest_words VALUES (gen_random_uuid()::text, $1)",
    "deliveries": """INSERT INTO deliveries
        (line_user_id, event_id, id, kind, status, messages, tries, created_at, finished_at)
        VALUES ('U', gen_random_uuid(), gen_random_uuid(), 'earned', 'delivered', '[]', 1, $1, $1)
    """,
    "broadcasts": """INSERT INTO broadcasts (id, name, state, revision, kind, content, definition,
        growth_limit_percent, personal, spoken, created_at, settled_at)
        VALUES (gen_random_uuid(), 'n', 'sent', 1, 'k', '{}', '{}', 20, false, '{ja}', $1, $1)""",
    "broadcast_pages": """INSERT INTO broadcast_pages
        VALUES (gen_random_uuid(), gen_random_uuid(), 0, true, $1, 0, 0)""",
    "broadcast_people": """INSERT INTO broadcast_people
        VALUES (gen_random_uuid(), 'ja', 'U', NULL, $1)""",
    "insight_questions": "INSERT INTO insight_questions VALUES (gen_random_uuid()::text, $1, NULL)",
    "insight_days": """INSERT INTO insight_days
        SELECT 'units', date '2000-01-01' + count(*)::integer, '{}', $1 FROM insight_days""",
    "insight_units": """INSERT INTO insight_units
        VALUES (gen_random_uuid()::text, gen_random_uuid(), 1, '{}', $1)""",
    "click_batches": "INSERT INTO click_batches VALUES (gen_random_uuid(), $1)",
    "link_clicks": """WITH l AS (INSERT INTO links (id, code, address, created_at)
            VALUES (gen_random_uuid(), gen_random_uuid()::text, 'https://a.jp/', $1) RETURNING id)
        INSERT INTO link_clicks SELECT id, $1, 1 FROM l""",
    "quota_sent": """INSERT INTO quota_sent VALUES
        ($1::timestamptz::date, 'receipt', gen_random_uuid()::text, NULL, 1, $1)""",
    "quota_slices": """INSERT INTO quota_slices VALUES
        (gen_random_uuid(), $1::timestamptz::date, '{}', 1, $1)""",
    "previews": "INSERT INTO previews VALUES (gen_random_uuid(), gen_random_uuid(), $1)",
    "line_events": """INSERT INTO line_events (id, kind, raw, received_at)
        VALUES (gen_random_uuid(), 'message', '{}', $1)""",
    "menu_links": """INSERT INTO menu_links (line_user_id, forgotten, due_at)
        VALUES (gen_random_uuid()::text, true, $1)""",
    "ended_sessions": "INSERT INTO ended_sessions VALUES (gen_random_uuid(), $1)",
    "staff_attempts": "INSERT INTO staff_attempts VALUES ('who', $1)",
    "staff_sessions": """WITH s AS (INSERT INTO staff
            (id, name, role, active, created_at, changed_at)
            VALUES (gen_random_uuid(), 'n', 'staff', true, $1, $1) RETURNING id)
        INSERT INTO staff_sessions (id, secret_hash, staff_id, way, device, shift_since, created_at,
            renewed_at)
        SELECT gen_random_uuid(), gen_random_uuid()::text, id, 'pin', '', $1, $1, $1 FROM s""",
    "staff_invitations": """INSERT INTO staff_invitations (id, code_hash, name, role, created_at,
            expires_at)
        VALUES (gen_random_uuid(), gen_random_uuid()::text, 'n', 'staff', $1, $1)""",
    "audit_log": """INSERT INTO audit_log (id, at, staff_id, session_id, role, service, act)
        VALUES (gen_random_uuid(), $1, gen_random_uuid(), gen_random_uuid(), 'owner', 'points',
            'PUT /v1/program')""",
    "menu_looks": "INSERT INTO menu_looks VALUES (gen_random_uuid(), $1, 1, '[]')",
}
OPEN = {
    "broadcasts": """INSERT INTO broadcasts (id, name, state, revision, kind, content, definition,
        growth_limit_percent, personal, spoken, created_at)
        VALUES (gen_random_uuid(), 'n', 'scheduled', 1, 'k', '{}', '{}', 20, false, '{ja}', $1)""",
    "menu_links": """INSERT INTO menu_links (line_user_id, due_at)
        VALUES (gen_random_uuid()::text, $1)""",
    "segment_requests": """INSERT INTO segment_requests
        (id, definition, single, attempts, members, asked_at, finished_at)
        VALUES (gen_random_uuid(), '{"all": true}', false, 0, 0, $1, NULL)""",
    "rank_runs": """INSERT INTO rank_runs VALUES
        (gen_random_uuid(), 'nightly', true, gen_random_uuid(), $1, NULL)""",
    "deliveries": """INSERT INTO deliveries
        (line_user_id, event_id, id, kind, status, messages, tries, due_at, created_at)
        VALUES ('U', gen_random_uuid(), gen_random_uuid(), 'earned', 'held', '[]', 1, $1, $1)""",
}


@pytest.fixture(autouse=True)
def steady_clock():
    yield
    clock.set_offset(timedelta())


@pytest.fixture
async def pools(database):
    async with contextlib.AsyncExitStack() as stack:
        pools = {}
        for service, rules in RULES.items():
            pool = await open_pool(database.url(service), schema=service)
            stack.push_async_callback(pool.close)
            await pool.execute(f"TRUNCATE {', '.join(rule.what for rule in rules)} CASCADE")
            pools[service] = pool
        yield pools


def ids(case) -> str:
    return case if isinstance(case, str) else case.what


@pytest.mark.parametrize(("service", "rule"), EACH, ids=ids)
async def test_only_what_is_older_than_it_is_kept_goes(pools, monkeypatch, service, rule):
    monkeypatch.setattr(pruning, "PAGE", 10)
    pool, now = pools[service], clock.now()
    await pool.executemany(INSERT[rule.what], [(now,)] * ROWS)
    for statement in [OPEN[rule.what]] if rule.what in OPEN else []:
        await pool.execute(statement, now)
    clock.set_offset(rule.kept - MINUTE)
    assert await pruning.prune(pool, RULES[service], clock.now()) == {}
    await pool.executemany(INSERT[rule.what], [(clock.now(),)] * 3)
    clock.set_offset(rule.kept + MINUTE)
    assert await pruning.prune(pool, [rule], clock.now()) == {rule.what: ROWS}
    left = await pool.fetchval(f"SELECT count(*) FROM {rule.what}")
    assert left == 3 + (rule.what in OPEN)


@pytest.mark.parametrize(("service", "rule"), EACH, ids=ids)
async def test_what_another_process_is_deleting_is_passed_over(pools, service, rule):
    pool = pools[service]
    await pool.executemany(INSERT[rule.what], [(clock.now() - rule.kept - MINUTE,)] * ROWS)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(rule.statement, clock.now() - rule.kept, 2)
        pruned = pruning.prune(pool, [rule], clock.now())
        assert await asyncio.wait_for(pruned, 15) == {rule.what: ROWS - 2}


async def test_a_process_prunes_at_its_start_and_when_an_hour_has_passed(pools, monkeypatch):
    monkeypatch.setattr(pruning, "LOOK_SECONDS", 0.01)
    pool, rule = pools["scheduler"], scheduler.RULES[0]

    async def left(count: int) -> None:
        async with asyncio.timeout(15):
            while await pool.fetchval("SELECT count(*) FROM inbox") != count:
                await asyncio.sleep(0.01)

    await pool.execute(INSERT["inbox"], clock.now() - rule.kept - MINUTE)
    await pool.execute(INSERT["inbox"], clock.now() - rule.kept + 30 * MINUTE)
    running = asyncio.create_task(pruning.run(pool, scheduler.RULES))
    await left(1)
    clock.set_offset(61 * MINUTE)
    await left(0)
    running.cancel()


def test_what_makes_an_event_count_once_outlives_its_repeats():
    bus = timedelta(minutes=13)
    short_lived = {"link_codes", "link_nonces", "link_attempts"}  # their events have the inbox
    short_lived.add("previews")  # an answer that comes again finds nobody waiting
    for service, rule in EACH:
        if rule.what not in short_lived:
            assert rule.kept > 100 * bus, (service, rule.what)
    assert timedelta(days=30) <= notify.DELIVERIES_KEPT
    assert scheduler.WORDS_KEPT > points.inbox.KEPT
    assert "requests" not in {rule.what for service, rule in EACH if service == "points"}
