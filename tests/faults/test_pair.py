"""Days on a PostgreSQL that is lost in the middle, and whose standby takes its place."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from deploy.local.stack import scratch_folder
from shared import db
from tests.faults import seeds
from tests.faults.arena import needed
from tests.faults.cables import Cables
from tests.faults.conftest import Tamaru, aloud, standing
from tests.faults.pair import OnPair, Pair
from tests.faults.plan import STANDBY, Fault
from tests.faults.test_seeds import SECONDS_EACH, wanted

AFEW = 2
BEHIND = (Fault(0.2, "part", STANDBY, seconds=60.0), Fault(0.6, "promote", "postgres"))
"""The standby knows nothing of what is sold in between."""


@pytest.fixture
def arena() -> Iterator[OnPair]:
    """The product on a pair, its shop open."""
    if missing := needed():
        pytest.skip(f"not installed: {missing}")
    with standing(OnPair()) as made:
        yield made


@pytest.fixture
def hasty() -> Iterator[OnPair]:
    """The same, and no commit waits for the standby."""
    if missing := needed():
        pytest.skip(f"not installed: {missing}")
    with standing(OnPair(synchronous=False)) as made:
        yield made


@pytest.mark.faults
@pytest.mark.timeout(SECONDS_EACH * max(AFEW, len(wanted(AFEW))))
async def test_days_with_a_standby(arena: OnPair, capsys: pytest.CaptureFixture[str]) -> None:
    await seeds.several(arena, wanted(AFEW), Tamaru(arena.stack), aloud(capsys))


@pytest.mark.faults
@pytest.mark.timeout(SECONDS_EACH)
async def test_a_standby_that_commits_do_not_wait_for_is_caught(
    hasty: OnPair, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = (await seeds.run(hasty, 1, faults=BEHIND)).verdict
    tell = aloud(capsys)
    tell(f"lost {len(verdict.lost)}, wrong {len(verdict.wrong)}: {verdict.lost[:1]}")
    assert verdict.lost


@pytest.fixture
async def parted() -> AsyncIterator[Pair]:
    """A synchronous pair with a table of notes, and no way from the standby to the primary."""
    if missing := needed():
        pytest.skip(f"not installed: {missing}")
    pair = Pair(scratch_folder("pair"))
    cables = Cables({STANDBY: pair.url})
    try:
        connection = await asyncpg.connect(pair.url)
        await connection.execute("CREATE TABLE notes (id integer PRIMARY KEY)")
        await connection.close()
        await pair.attach(cables.urls[STANDBY])
        cables.part(STANDBY)
        yield pair
    finally:
        cables.close()
        pair.close()


@pytest.mark.faults
@pytest.mark.timeout(120)
async def test_what_the_standby_does_not_have_is_not_taken_for_done(
    parted: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stopped waiting for it: a repeat does not answer from what will be gone."""
    pool = await db.open_pool(parted.url, schema="public")

    async def note() -> str:
        async with pool.acquire() as connection, connection.transaction():
            told: str = await connection.execute(
                "INSERT INTO notes VALUES (1) ON CONFLICT DO NOTHING"
            )
        return told

    monkeypatch.setattr(db, "COMMIT_SECONDS", 0.5)
    with pytest.raises(TimeoutError):
        await note()
    repeat = asyncio.create_task(note())
    await asyncio.wait([repeat], timeout=2)
    assert not repeat.done(), f"a repeat was told {repeat.result()}"
    parted.lose_primary()
    with pytest.raises(db.UNREACHABLE):
        await repeat
    await parted.promote()
    after = await asyncpg.connect(parted.url)
    assert await after.fetchval("SELECT count(*) FROM notes") == 0
    await after.close()
    pool.terminate()
