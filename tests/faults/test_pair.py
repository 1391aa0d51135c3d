"""Days on a PostgreSQL that is lost in the middle, and whose standby takes its place."""

from collections.abc import Iterator

import pytest

from tests.faults import seeds
from tests.faults.arena import needed
from tests.faults.conftest import Tamaru, aloud, standing
from tests.faults.pair import OnPair
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
