"""Days on three RabbitMQ nodes, any of which falls, is started again and joins the others."""

from collections.abc import Iterator

import pytest

from shared.bus.topology import SUBSCRIPTIONS, Names
from tests.faults import seeds
from tests.faults.arena import needed
from tests.faults.cluster import OnCluster
from tests.faults.conftest import Tamaru, aloud, standing
from tests.faults.plan import NODES
from tests.faults.test_seeds import SECONDS_EACH, wanted

AFEW = 2


@pytest.fixture
def arena() -> Iterator[OnCluster]:
    """The product on a cluster, its shop open."""
    if missing := needed():
        pytest.skip(f"not installed: {missing}")
    with standing(OnCluster()) as made:
        yield made


@pytest.mark.faults
@pytest.mark.timeout(SECONDS_EACH * max(AFEW, len(wanted(AFEW))))
async def test_days_on_a_cluster(arena: OnCluster, capsys: pytest.CaptureFixture[str]) -> None:
    names = Names(arena.stack.env["BUS_NAMESPACE"])
    copies = arena.cluster.copies()
    assert {names.queue(purpose) for purpose in SUBSCRIPTIONS} < copies.keys()
    assert set(copies.values()) == {len(NODES)}
    await seeds.several(arena, wanted(AFEW), Tamaru(arena.stack), aloud(capsys))
