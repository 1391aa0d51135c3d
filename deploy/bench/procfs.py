"""What Linux says of processes: CPU time and memory, and of the machine."""

import os
from collections.abc import Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time so far of a process and of what runs below it, ended children too."""
    return sum(map(_own_cpu, family(pid)))


def memory_mib(pid: int) -> float:
    """Resident memory. Where a process has children (PostgreSQL), the proportional set sizes of
    all of them, so that what they share counts once."""
    members = family(pid)
    if len(members) == 1:
        return _kib(Path(f"/proc/{pid}/status"), "VmRSS:") / 1024
    return sum(_kib(Path(f"/proc/{each}/smaps_rollup"), "Pss:") for each in members) / 1024


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for each in found:
        for task in _listed(Path(f"/proc/{each}/task")):
            children = _read(task / "children").split()
            found += [int(child) for child in children]
    return found


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """The difference for each name that is in both."""
    return {name: after[name] - before[name] for name in after if name in before}


def machine() -> tuple[int, float]:
    """Cores that we may use, and the load average of the last minute."""
    return len(os.sched_getaffinity(0)), os.getloadavg()[0]


def _own_cpu(pid: int) -> float:
    """Includes children that have ended and been waited for."""
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS if fields else 0.0


def _kib(file: Path, name: str) -> int:
    for line in _read(file).splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # it ended meanwhile
        return ""
