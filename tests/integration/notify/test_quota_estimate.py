"""What a broadcast would cost, from what the database knows of the month."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.notify.quota.estimating import estimate
from services.notify.quota.plan import PRESETS, Amount, LineQuota, Plan
from services.notify.store import quota as store
from services.notify.store.quota import Sent
from shared import ids
from shared.db import open_pool

NOW = datetime(2025, 4, 10, 15, 30, tzinfo=UTC)  # the 11th in Japan
TODAY = date(2025, 4, 11)
MAY = datetime(2025, 4, 30, 15, tzinfo=UTC)


@pytest.fixture
async def connection(notify):
    pool = await open_pool(notify.settings.database_url.get_secret_value(), schema="notify")
    async with pool.acquire() as connection, connection.transaction():
        yield connection
    await pool.close()


async def test_a_shop_that_has_set_nothing_is_told_so(connection):
    found = await estimate(connection, 1_000, NOW)
    assert (found.fits, found.quota_left, found.added_yen) == (True, None, None)
    assert found.held_until == MAY


async def test_what_was_sent_what_is_on_its_way_and_what_others_sent_counts(connection):
    plan = Plan(tariff=PRESETS["light"], budgets={"campaign": Amount(percent=60)})
    await store.put_plan(connection, plan, NOW, "test")
    month = (await store.locked_month(connection, TODAY.replace(day=1))).month
    broadcast = ids.new_id()
    sent = [
        Sent(TODAY - timedelta(days=1), "receipt", "earned", None, 70),
        Sent(TODAY, "campaign", "broadcast", broadcast, 2_000),
        Sent(TODAY - timedelta(days=20), "campaign", "broadcast", None, 900),  # in March
    ]
    await store.count(connection, sent, NOW)
    await store.count(connection, sent[1:2], NOW)
    await store.read(connection, month, LineQuota(5_000, 4_170, 4_070, NOW), uncounted={})
    await connection.execute(
        """INSERT INTO deliveries (line_user_id, event_id, id, kind, category, priority, status,
            messages, tries, due_at, created_at)
        SELECT 'U' || n, $1, gen_random_uuid(), 'broadcast', 'campaign', 3, 'waiting', '[]', 0,
            $2, $2 FROM generate_series(1, 30) AS n""",
        broadcast,
        NOW,
    )
    found = await estimate(connection, 1_000, NOW)
    assert (found.waiting, found.fits, found.fitting, found.bound) == (30, False, 0, "budget")
    assert found.quota_left == 5_000 - 4_170 - 30
    await store.put_plan(connection, Plan(tariff=PRESETS["light"]), NOW, "test")
    found = await estimate(connection, 1_000, NOW)
    assert (found.fitting, found.bound, found.quota_left) == (800, "quota", 0)
    assert (found.added_yen, found.value_yen) == (0, 800)
    assert found.expected > 0
