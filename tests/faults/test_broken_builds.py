"""Each promise broken on purpose: the fault runs must find it, else their zeros mean nothing."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import broken, plan, seeds
from tests.faults.arena import Arena
from tests.faults.broken import BUILDS, Broken
from tests.faults.conftest import aloud, standing
from tests.faults.verdict import told

DAYS = 3
"""A misfortune of a second may meet a moment in which nothing could be lost. Not three times."""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product's code, to be broken."""
    return broken.copy(tmp_path_factory.mktemp("broken"))


@pytest.fixture(scope="module")
def arena(code: Path) -> Iterator[Arena]:
    """The product, run from the copy."""
    with standing(Arena(code)) as made:
        yield made


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.name)
def test_the_code_to_be_broken_is_there(build: Broken, tmp_path: Path) -> None:
    (tmp_path / build.file).parent.mkdir(parents=True)
    broken.breaks(build, tmp_path)
    compile((tmp_path / build.file).read_text(), build.file, "exec")
    assert not broken.unknown(build)


@pytest.mark.faults
@pytest.mark.timeout(400 * DAYS)
@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.name)
async def test_it_is_caught(
    arena: Arena, code: Path, build: Broken, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks() -> None:
        broken.breaks(build, code)
        _restart(arena, build)

    tell = aloud(capsys)
    tell("")
    for seed in plan.seeds_with(*build.fault, count=DAYS):
        try:
            outcome = await seeds.run(arena, seed, line=build.line, once_joined=breaks)
        finally:
            broken.mends(build, code)
            await asyncio.to_thread(_restart, arena, build)
        found = {name: getattr(outcome.verdict, name) for name in ("lost", "doubled", "wrong")}
        tell(f"{build.name}: { {name: len(each) for name, each in found.items()} }")
        if first := next((each[0] for name in build.caught if (each := found[name])), None):
            return tell(first)
    pytest.fail(f"not caught in {DAYS} days")


@pytest.mark.faults
@pytest.mark.timeout(400)
async def test_the_same_code_mended_is_clean(arena: Arena) -> None:
    """Last: what the broken builds left behind is not what was caught."""
    verdict = (await seeds.run(arena, 1)).verdict
    assert verdict.clean, told(verdict.lost + verdict.doubled + verdict.wrong)


def _restart(arena: Arena, build: Broken) -> None:
    for name in build.processes:
        arena.stack.restart(name)
