"""Days on which the database's disk is full, in truth and for everything that is written."""

from collections.abc import Iterator

import pytest

from tests.faults import seeds
from tests.faults.arena import needed
from tests.faults.conftest import Tamaru, aloud, standing
from tests.faults.disk import OnDisk
from tests.faults.test_seeds import SECONDS_EACH, wanted

AFEW = 2


@pytest.fixture
def arena() -> Iterator[OnDisk]:
    """The product on such a disk, its shop open."""
    if missing := needed():
        pytest.skip(f"not installed: {missing}")
    try:
        made = OnDisk()
    except PermissionError as problem:
        pytest.skip(str(problem))
    with standing(made):
        yield made


@pytest.mark.faults
@pytest.mark.timeout(SECONDS_EACH * max(AFEW, len(wanted(AFEW))))
async def test_days_on_a_full_disk(arena: OnDisk, capsys: pytest.CaptureFixture[str]) -> None:
    await seeds.several(arena, wanted(AFEW), Tamaru(arena.stack), aloud(capsys))
