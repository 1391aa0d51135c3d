"""What an operator sees of the ledger's invariants and of the work over everybody."""

from datetime import timedelta

from prometheus_client import REGISTRY

from services.points.accounts.ledger_watch import LedgerWatch
from services.points.nights import work_watch
from services.points.store import rank_runs
from shared import clock, ids
from tests.integration.points.shop import Points

USER = "U" + "7" * 32


def value(name: str) -> float:
    found = REGISTRY.get_sample_value(f"tamaru_points_{name}")
    assert found is not None
    return found


async def test_books_that_do_not_add_up_are_seen_until_they_are_put_right(points: Points) -> None:
    await points.follow(USER)
    await points.member(USER)
    watch = LedgerWatch(points.pool)
    try:
        clock.set_offset(timedelta(minutes=1))
        await watch.look()
        assert value("ledger_differences") == 0
        await points.pool.execute("UPDATE accounts SET in_lots = in_lots + 5")
        other = LedgerWatch(points.pool)
        await other.look()
        assert value("ledger_differences") > 0
        clock.set_offset(timedelta(minutes=20))
        await other.look()
        assert value("ledger_differences") > 0, "also when nothing moved since"
        await points.pool.execute("UPDATE accounts SET in_lots = in_lots - 5")
        await other.look()
        assert value("ledger_differences") == 0
    finally:
        clock.set_offset(timedelta())


async def test_a_run_over_everybody_that_does_not_end_is_seen(points: Points) -> None:
    """In one transaction, so that the process that ranks does not end it at once."""
    async with points.pool.acquire() as connection, connection.transaction():
        hour_ago = clock.now() - timedelta(hours=1)
        await rank_runs.start(connection, ids.new_id(), "nightly", True, hour_ago)
        await work_watch.look(connection)
        assert 3600 <= value("rank_run_seconds") < 3700
        await connection.execute("UPDATE rank_runs SET finished_at = $1", clock.now())
        await work_watch.look(connection)
        assert value("rank_run_seconds") == 0
