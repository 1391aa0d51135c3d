"""Many days in one shop, each with its own misfortunes: nothing lost, doubled or wrong.

`make faults ARGS="-k seeds" SEEDS=50` for more of them, SEEDS=11-20 for these, SEED=17 for that one
alone.
"""

import os
from collections.abc import Iterator

import pytest

from tests.faults import seeds
from tests.faults.arena import Arena
from tests.faults.conftest import Tamaru, standing
from tests.faults.seeds import HEAD, Outcome
from tests.faults.verdict import told

AFEW = 4
SECONDS_EACH = 300


def wanted() -> list[int]:
    """The seeds to run: the one that is named, or so many from 1."""
    if named := os.environ.get("SEED"):
        return [int(named)]
    first, _, last = (os.environ.get("SEEDS") or str(AFEW)).rpartition("-")
    return list(range(int(first or 1), int(last) + 1))


@pytest.fixture
def arena() -> Iterator[Arena]:
    """The product behind cables, its shop open."""
    with standing(Arena()) as made:
        yield made


@pytest.mark.faults
@pytest.mark.timeout(SECONDS_EACH * max(AFEW, len(wanted())))
async def test_seeds(arena: Arena, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes: list[Outcome] = []
    _show(capsys, "\n" + seeds.line(HEAD))
    for seed in wanted():
        outcomes.append(await seeds.run(arena, seed, Tamaru(arena.stack)))
        _show(capsys, seeds.line(seeds.row(outcomes[-1])))
        verdict = outcomes[-1].verdict
        assert verdict.clean, (
            f"seed {seed}\nLOST\n{told(verdict.lost)}\nDOUBLED\n{told(verdict.doubled)}\n"
            f"WRONG\n{told(verdict.wrong)}"
        )
    _show(capsys, seeds.line(seeds.total(outcomes)))


def _show(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        print(text, flush=True)
