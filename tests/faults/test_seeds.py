"""Many days in one shop, each with its own misfortunes: nothing lost, doubled or wrong.

`make faults ARGS="-k seeds" SEEDS=50` for more of them, SEEDS=11-20 for these, SEED=17 for that one
alone.
"""

import os
from collections.abc import Iterator

import pytest

from tests.faults import seeds
from tests.faults.arena import Arena
from tests.faults.conftest import Tamaru, aloud, standing

AFEW = 4
SECONDS_EACH = 300


def wanted(few: int = AFEW) -> list[int]:
    """The seeds to run: the one that is named, or so many from 1."""
    if named := os.environ.get("SEED"):
        return [int(named)]
    first, _, last = (os.environ.get("SEEDS") or str(few)).rpartition("-")
    return list(range(int(first or 1), int(last) + 1))


@pytest.fixture
def arena() -> Iterator[Arena]:
    """The product behind cables, its shop open."""
    with standing(Arena()) as made:
        yield made


@pytest.mark.faults
@pytest.mark.timeout(SECONDS_EACH * max(AFEW, len(wanted())))
async def test_seeds(arena: Arena, capsys: pytest.CaptureFixture[str]) -> None:
    await seeds.several(arena, wanted(), Tamaru(arena.stack), aloud(capsys))
