"""The old version is replaced by this one, process by process, under load: nothing is lost.

As Kubernetes does it: the new version's migrations first, while the old one works; then of each
process a new one beside the old one, the addresses changed, and the old one told to go.
"""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import aiohttp
import pytest

from deploy.bench.at_once import nothing_waits
from deploy.local import binaries
from deploy.local.layout import ROOT
from deploy.local.processes import PROCESSES, Process
from deploy.local.server_units import SERVER_NAMES
from deploy.local.stack import Stack, scratch_folder
from tests.faults import rush, versions
from tests.faults.accounting import Bought
from tests.faults.balancing import Service, serving
from tests.faults.conftest import NOTIFY, READY_SECONDS, Tamaru, keep_logs, open_shop
from tests.faults.verdict import READERS, report, told, verdict

MEMBERS = 150
MOST_PURCHASES = 15_000
TILLS = 8
PAUSE_SECONDS = 0.25
"""Of a till between two customers: some thirty purchases a second, all day long if need be."""
LEAST_BETWEEN = 20
"""So many purchases at least are acknowledged between two replacements."""

WAITS = {"points-segments", "points-imports"}
"""Left out: they do nothing here, and a stack has a limited number of ports."""

WEB = {
    "webhook-web": "WEBHOOK_UPSTREAM",
    "points-web": "POINTS_UPSTREAM",
    "notify-web": "NOTIFY_UPSTREAM",
    "scheduler-web": "SCHEDULER_UPSTREAM",
}


def is_replaced(process: Process) -> bool:
    return "services." in " ".join(process.command) and process.name not in WAITS


REPLACED = [process for process in PROCESSES if is_replaced(process)]


def new(name: str) -> str:
    """The new version's unit beside the old one's."""
    return f"{name}-new"


@dataclass
class Side:
    """Old and new side by side: the stack, and the address of each web process."""

    stack: Stack
    services: dict[str, Service]
    old: Path
    answers: dict[int | str, int] = field(default_factory=dict)

    def port(self, name: str) -> int:
        url = next(each.url_name for each in self.stack.options.processes if each.name == name)
        port = urlsplit(self.stack.env[url]).port
        assert port is not None
        return port


@pytest.fixture
def side(tmp_path: Path) -> Iterator[Side]:
    """Everything runs in the old version; the new version's units wait."""
    missing = binaries.missing_packages(binaries.wanted_programs(SERVER_NAMES, edge=True))
    if missing:
        pytest.skip(f"not installed: {' '.join(missing)}")
    commit = versions.earlier()
    if commit is None:
        pytest.skip("the history has no earlier version; name one with UPGRADE_FROM")
    old = tmp_path / "old"
    versions.unpack(commit, old)
    services = {name: Service() for name in WEB}
    env = {WEB[name]: service.address for name, service in services.items()}
    stack = Stack(scratch_folder("upgrade"), env, processes=both(old), bound=True)
    try:
        start(stack)
        running = Side(stack, services, old)
        for name, service in services.items():
            service.ports = [running.port(name)]
        yield running
    finally:
        keep_logs(stack)
        stack.destroy()
        for service in services.values():
            service.close()


def both(old: Path) -> tuple[Process, ...]:
    """The old version's processes, what stands around them, and the new version's."""
    kept = [each for each in PROCESSES if each.name not in WAITS]
    around = [each for each in kept if each.name in ("sandbox", "edge")]
    first = versions.of(old, [each for each in kept if each not in around])
    later = [each for each in PROCESSES if each.name == "migrate" or is_replaced(each)]
    beside = [
        replace(each, name=new(each.name), url_name=f"NEW_{each.url_name}" * bool(each.url_name))
        for each in later
    ]
    return (*first, *around, *beside)


def start(stack: Stack) -> None:
    names = [each.name for each in stack.options.processes]
    later = [name for name in names if name.endswith("-new")]
    stack.start(held=(*NOTIFY, *later))
    stack.wait_ready(("migrate",), seconds=READY_SECONDS)
    asyncio.run(nothing_waits(stack.env["DATABASE_URL"]))
    stack.release(*NOTIFY)
    stack.wait_ready(set(names) - set(later), seconds=READY_SECONDS)


@pytest.mark.faults
@pytest.mark.timeout(400)
async def test_each_process_is_replaced_under_load_and_nothing_is_lost(side: Side) -> None:
    assert versions.migrations(side.old) < versions.migrations(ROOT), "the same database"
    stack = side.stack
    async with rush.client() as session, serving(side.services.values()):
        await open_shop(stack)
        cards = await rush.join(session, stack, MEMBERS)
        dice = random.Random(6)
        bought, log = await sell(session, side, cards, dice)
        readers = [new(name) for name in READERS]
        wrong, landings = await verdict(
            session, stack, cards, bought, log, seconds=120, readers=readers
        )
    report("rolling-upgrade", bought, log, landings)
    print("looks at a balance through the edge, by answer:", side.answers)
    assert not wrong, told(wrong)
    assert set(side.answers) == {200}
    tamaru = Tamaru(stack)
    assert "0 differences" in tamaru("ledger", "verify")
    assert tamaru("dlq", "list").strip() == "no dead letters"


async def sell(
    session: aiohttp.ClientSession, side: Side, cards: dict[str, str], dice: random.Random
) -> tuple[list[Bought], rush.Log]:
    """Sell and look at balances for as long as the replacement takes."""
    log, bought, over = rush.Log(), [], asyncio.Event()
    webhook = f"http://{side.services['webhook-web'].address}"
    seen = SimpleNamespace(env={**side.stack.env, "WEBHOOK_URL": webhook})
    till = rush.Till(session, seen, cards, log, dice)
    work = iter(rush.purchases(list(cards), MOST_PURCHASES, dice))
    async with asyncio.TaskGroup() as group:
        for _ in range(TILLS):
            group.create_task(_sell(till, work, bought, over))
        group.create_task(_look(session, side, cards, over))
        await upgrade(side, log)
        over.set()
    return bought, log


async def _sell(
    till: rush.Till, work: Iterator[Bought], bought: list[Bought], over: asyncio.Event
) -> None:
    for each in work:
        if over.is_set():
            return
        bought.append(each)
        await till.post(each)
        await asyncio.sleep(PAUSE_SECONDS)


async def _look(
    session: aiohttp.ClientSession, side: Side, cards: dict[str, str], over: asyncio.Event
) -> None:
    """What a member's card shows, through the edge; every answer counts."""
    env = side.stack.env
    headers = {"authorization": f"Bearer {env['OWNER_API_KEY']}"}
    url = f"{env['EDGE_URL']}/v1/members/lookup?card={next(iter(cards.values()))}"
    while not over.is_set():
        async with session.get(url, headers=headers) as answer:
            await answer.read()
        side.answers[answer.status] = side.answers.get(answer.status, 0) + 1
        await asyncio.sleep(PAUSE_SECONDS)


async def upgrade(side: Side, log: rush.Log) -> None:
    """The migrations, then each process, each time with sales between."""
    await _sales(log)
    await asyncio.to_thread(_start_new, side.stack, "migrate")
    for process in REPLACED:
        await _sales(log)
        await asyncio.to_thread(_start_new, side.stack, process.name)
        if process.name in side.services:
            side.services[process.name].ports = [side.port(new(process.name))]
        await _sales(log)  # old and new together
        await asyncio.to_thread(side.stack.hold, process.name)
    await _sales(log)


def _start_new(stack: Stack, name: str) -> None:
    stack.release(new(name))
    stack.wait_ready((new(name),), seconds=READY_SECONDS)


async def _sales(log: rush.Log) -> None:
    """Wait until more was sold."""
    wanted = log.acknowledged + LEAST_BETWEEN
    async with asyncio.timeout(READY_SECONDS):
        while log.acknowledged < wanted:
            await asyncio.sleep(0.02)


def test_the_old_processes_run_the_old_code(tmp_path: Path) -> None:
    """Else the test above would upgrade a version to itself."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "__init__.py").write_text("print('old')")
    process = versions.of(tmp_path, [_one(REPLACED, "points-web")])[0]
    done = subprocess.run(
        [sys.executable, "-m", "services"],
        env=os.environ | dict(process.settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "old\n"


def _one(processes: Sequence[Process], name: str) -> Process:
    return next(each for each in processes if each.name == name)
