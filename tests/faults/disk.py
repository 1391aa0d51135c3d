"""A disk that can be full, and the product whose PostgreSQL is on it.

It lives in memory, and to be full it is made as small as what is on it. That takes the right to
mount, which root has outside of most containers.
"""

import asyncio
import os
import subprocess
from pathlib import Path

from deploy.local import spawn
from deploy.local.layout import DEFAULT_FOLDER, Layout
from deploy.local.stack import scratch_folder
from deploy.local.supervise import server_folder
from tests.faults.arena import Arena
from tests.faults.plan import ON_A_DISK, Fault

ROOM = 2 * 2**30
"""Bytes; only what is used of them takes memory."""


class Disk:
    """Mounted in `folder`. Raises PermissionError where nothing may be mounted."""

    def __init__(self) -> None:
        _unmount_left()
        self.folder = DEFAULT_FOLDER / f"disk-{os.getpid()}"
        self.folder.mkdir(parents=True)
        done = _mount("-t", "tmpfs", "-o", f"size={ROOM}", "tamaru", str(self.folder))
        if done.returncode:
            self.folder.rmdir()
            raise PermissionError(f"no disk can be mounted: {done.stderr.strip()}")

    def fill(self) -> None:
        """From now on not another page fits."""
        found = os.statvfs(self.folder)
        self._resize((found.f_blocks - found.f_bfree) * found.f_frsize)

    def clear(self) -> None:
        """There is room again."""
        self._resize(ROOM)

    def close(self) -> None:
        """Forget what is on it."""
        _unmount(self.folder)

    def _resize(self, size: int) -> None:
        done = _mount("-o", f"remount,size={size}", str(self.folder))
        assert done.returncode == 0, done.stderr


def _mount(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["mount", *words], capture_output=True, text=True, check=False)


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)
    folder.rmdir()


def _unmount_left() -> None:
    """What a killed run left behind."""
    for left in DEFAULT_FOLDER.glob("disk-*"):
        if spawn.start_time(int(left.name.partition("-")[2])) is None:
            _unmount(left)


class OnDisk(Arena):
    """An arena whose PostgreSQL has that disk for itself: data, log and all."""

    name = "disk"
    victims = ON_A_DISK

    def __init__(self) -> None:
        self.disk = Disk()
        layout = Layout(scratch_folder("seeds-servers"))
        layout.make()
        where = server_folder(layout, spawn.server_account())
        (where / "postgres").symlink_to(self.disk.folder)
        super().__init__()

    def destroy(self) -> None:
        """Stop everything and delete it."""
        super().destroy()
        self.disk.close()

    async def _full(self, fault: Fault) -> None:
        """For whatever is written, and the broker carries nothing either."""
        self.cables.silence("rabbitmq")
        self.disk.fill()
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self.disk.clear()
            self.cables.mend("rabbitmq")
