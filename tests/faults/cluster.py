"""Three RabbitMQ nodes on the loopback that are one broker, and the product on them."""

import asyncio
import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local import binaries, credentials, ports, server_units, spawn
from deploy.local.layout import Layout
from deploy.local.server_units import ServerPlan
from deploy.local.stack import scratch_folder
from deploy.local.supervise import away_folder, server_folder
from tests.faults.arena import Arena
from tests.faults.members import Members
from tests.faults.plan import IN_A_CLUSTER, NODES, Fault

PROGRAMS = ("rabbitmq", "epmd")
_EACH = max(server_units.OFFSETS.values())


@dataclass(frozen=True)
class _Node(ServerPlan):
    """All nodes ask the same epmd, at port `names`, where the others are."""

    names: int = 0

    def port(self, name: str) -> int:
        return self.names if name == "epmd" else super().port(name)


class Cluster(Members):
    """Their files are in `folder`. Fewer than two of them take nothing: quorum queues want a
    majority."""

    def __init__(self, folder: Path) -> None:
        self._layout = Layout(folder)
        self._layout.make()
        base, self._anchor = ports.claim_block(None, _EACH * len(NODES))
        account = spawn.server_account()
        where = server_folder(self._layout, account)
        secrets = credentials.generate()
        found = binaries.locate(PROGRAMS)
        plans = [
            _Node(
                server_units.make_folder(where / name, account),
                base + number * _EACH,
                secrets,
                account,
                found,
                name,
                NODES,
                base + 5,
            )
            for number, name in enumerate(NODES)
        ]
        epmds, nodes = zip(*map(server_units.rabbitmq_units, plans), strict=True)
        named = (replace(unit, name=name) for unit, name in zip(nodes, NODES, strict=True))
        super().__init__([epmds[0], *named], self._layout.logs)
        self._first = nodes[0]
        self.url = plans[0].url("rabbitmq")
        self.ports = tuple(plan.port("rabbitmq") for plan in plans)

    def form(self) -> None:
        """Start them one after the other, so that each finds one to join."""
        for name in ("epmd", *NODES):
            self.start(name)
            self.wait_ready(name)

    def copies(self) -> dict[str, int]:
        """On how many nodes each quorum queue lies. Asks the first node."""
        tool = Path(self._first.argv[0]).with_name("rabbitmqctl")
        asked = ["list_queues", "--quiet", "--formatter", "json", "name", "type", "members"]
        told = subprocess.run(
            [tool, "-n", f"{NODES[0]}@localhost", *asked],
            env=dict(self._first.env),
            capture_output=True,
            text=True,
            check=True,
        )
        rows = json.loads(told.stdout)
        return {row["name"]: len(row["members"]) for row in rows if row["type"] == "quorum"}

    def close(self) -> None:
        """End everything and delete it."""
        super().close()
        self._anchor.close()
        shutil.rmtree(away_folder(self._layout.folder), ignore_errors=True)
        shutil.rmtree(self._layout.folder)


class OnCluster(Arena):
    """An arena whose RabbitMQ is a cluster behind one address, as a Service is in Kubernetes: a new
    connection goes to any node that answers."""

    name = "cluster"
    victims = IN_A_CLUSTER

    def __init__(self) -> None:
        self.cluster = Cluster(scratch_folder("cluster"))
        self.cluster.form()
        super().__init__(elsewhere={"rabbitmq": self.cluster.url})
        self.cables.lead("rabbitmq", *self.cluster.ports)

    def destroy(self) -> None:
        """Stop everything and delete it."""
        super().destroy()
        self.cluster.close()

    async def _fall(self, fault: Fault) -> None:
        self.cluster.kill(fault.victim)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self.cluster.start(fault.victim)

    async def _pause(self, fault: Fault) -> None:
        async with self.cluster.frozen(fault.victim):
            await asyncio.sleep(fault.seconds)

    async def heal(self) -> None:
        """Wait until everybody is ready again."""
        for name in NODES:
            await asyncio.to_thread(self.cluster.wait_ready, name)
        await super().heal()
