"""Free ports in blocks.

A stack takes one block of ports. The first port of a block is its anchor: the supervisor listens
on it (and never answers) for as long as it lives, so that two stacks which start at the same
moment cannot choose the same block. Blocks lie below the kernel's ephemeral range: an outgoing
connection can therefore never sit on a server's port while the server is being restarted.
"""

import random
import socket
from collections.abc import Iterator
from pathlib import Path

BLOCK = 32
LOWEST = 10_240
HOST = "127.0.0.1"
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def ephemeral_start() -> int:
    """The first port that the kernel hands to outgoing connections."""
    try:
        return int(_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768


def listen(port: int) -> socket.socket | None:
    """A listening socket on the loopback, or None when somebody else has the port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT is no obstacle
    try:
        sock.bind((HOST, port))
        sock.listen(1)
    except OSError:
        sock.close()
        return None
    return sock


def is_free(port: int) -> bool:
    sock = listen(port)
    if sock is not None:
        sock.close()
    return sock is not None


def candidates(remembered: int | None, top: int, shuffle: random.Random) -> Iterator[int]:
    """The remembered block first, then every block below `top` in random order."""
    bases = list(range(LOWEST, top - BLOCK + 1, BLOCK))
    if remembered in bases:
        yield remembered
    shuffle.shuffle(bases)
    yield from bases


def claim_block(remembered: int | None, count: int) -> tuple[int, socket.socket]:
    """A block whose anchor is now ours and whose next `count` ports are free.

    Returns the anchor's port and its socket, which must stay open. Raises OSError when the
    machine has no free block and ValueError when `count` does not fit.
    """
    if not 0 <= count < BLOCK:
        raise ValueError(f"a block has {BLOCK - 1} ports, {count} were asked for")
    for base in candidates(remembered, ephemeral_start(), random.Random()):  # noqa: S311
        anchor = listen(base)
        if anchor is None:
            continue
        if all(is_free(base + offset) for offset in range(1, count + 1)):
            return base, anchor
        anchor.close()
    raise OSError("no free block of ports on the loopback")
