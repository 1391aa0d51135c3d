"""The supervisor's process: lock, ports, secrets, plan, then `Supervisor.run`.

Started detached by `stack.py`; everything it must know is in the folder.
"""

import hashlib
import os
import stat
import sys
import time
from pathlib import Path

from deploy.local import binaries, credentials, ports, server_units, spawn
from deploy.local.files import format_env, read_json, try_lock, write_json, write_private
from deploy.local.layout import ROOT, Layout
from deploy.local.plan import PORTS, Options, Plan
from deploy.local.supervisor import Supervisor
from deploy.local.units import Unit

ALREADY_RUNNING = 3
_AWAY = Path("/var/tmp")  # noqa: S108  (_make_away checks what it finds there)


def _tell(text: str) -> None:
    print(time.strftime("%Y-%m-%dT%H:%M:%S"), text, flush=True)


def away_folder(folder: Path) -> Path:
    """Where servers keep data when their user cannot reach `folder` (say, under /root)."""
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return _AWAY / f"tamaru-{digest}"


def _make_away(path: Path) -> Path:
    """That place is everybody's: a folder of that name must be ours and a real folder."""
    path.mkdir(mode=0o711, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise RuntimeError(f"{path} is not ours: remove it, or run as its owner")
    path.chmod(0o711)
    return path


def server_folder(layout: Layout, account: spawn.Account | None) -> Path:
    """The folder above the servers' data folders; made if need be."""
    if not spawn.can_reach(layout.folder, account):
        return _make_away(away_folder(layout.folder))
    layout.servers.mkdir(mode=0o711, exist_ok=True)
    return layout.servers


def _units(plan: Plan, servers: server_units.ServerPlan) -> list[Unit]:
    return server_units.server_units(servers, plan.options.private) + plan.units()


def build(layout: Layout, options: Options, base: int) -> tuple[Plan, list[Unit]]:
    """The plan and its units; makes the folders and files that the servers need."""
    account = spawn.server_account()
    folder = server_folder(layout, account)
    secrets = credentials.load_or_generate(layout.secrets)
    programs = binaries.wanted_programs(options.private, options.has_edge)
    found = binaries.locate(programs)
    servers = server_units.ServerPlan(folder, base, secrets, account, found)
    urls = {name: servers.url(name) for name in options.private}
    edge_account = account if spawn.can_reach(ROOT / "deploy", account) else None
    server_units.make_folder(folder / "caddy", edge_account)
    plan = Plan(options, base, secrets, urls, found.caddy, folder, edge_account)
    write_json(layout.state, {"port_base": base, "server_folder": str(folder)})
    return plan, _units(plan, servers)


def supervise(folder: Path) -> int:
    """The whole life of a supervisor. Returns the exit code."""
    layout = Layout(folder)
    lock = try_lock(layout.lock)
    if lock is None:
        _tell("another supervisor has this folder")
        return ALREADY_RUNNING
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    spawn.require_setpriv()
    if killed := spawn.kill_recorded(layout.pids):
        _tell(f"killed what a former supervisor left: {' '.join(killed)}")
    options = Options.from_json(read_json(layout.options))
    base, anchor = ports.claim_block(read_json(layout.state).get("port_base"), PORTS)
    with anchor:
        _run(layout, options, base)
    os.close(lock)
    return 0


def _run(layout: Layout, options: Options, base: int) -> None:
    plan, units = build(layout, options, base)

    def write_env(pids: dict[str, int]) -> None:
        write_private(layout.env, format_env(plan.script_env(pids)))

    supervisor = Supervisor(layout, units, write_env, _tell)
    _tell(f"supervising {len(units)} units, Python {sys.version.split()[0]}")
    supervisor.run()
    for path in (layout.env, layout.status, layout.pids):
        path.unlink(missing_ok=True)
