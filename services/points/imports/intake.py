"""A file comes in: kept in parts as it is sent, never whole in memory; then it is an import that a
process reads."""

import hashlib
from collections.abc import AsyncIterable
from typing import Any
from uuid import UUID

import msgspec

from services.points.store import imports as store
from shared import clock, ids
from shared.db import Pool

LARGEST = 20_000_000
"""Bytes; the edge takes no more either."""

PART = 256 * 1024


class Sent(msgspec.Struct, frozen=True):
    """A file that was sent whole."""

    upload: UUID
    size: int
    sha256: str


class TooLarge(ValueError):
    """More than `LARGEST`."""


async def take(pool: "Pool[Any]", stream: AsyncIterable[bytes]) -> Sent:
    """Keep a file that is being sent. Raises TooLarge, keeping nothing.

    No connection is held while a slow sender is waited for.
    """
    upload, digest = ids.new_id(), hashlib.sha256()
    size = number = 0
    waiting = bytearray()
    try:
        async for piece in stream:
            size += len(piece)
            if size > LARGEST:
                raise TooLarge
            digest.update(piece)
            waiting += piece
            while len(waiting) >= PART:
                await _keep(pool, upload, number, bytes(waiting[:PART]))
                del waiting[:PART]
                number += 1
        if waiting:
            await _keep(pool, upload, number, bytes(waiting))
    except BaseException:
        if number:
            await store.drop_chunks(pool, upload)
        raise
    return Sent(upload, size, digest.hexdigest())


async def _keep(pool: "Pool[Any]", upload: UUID, number: int, body: bytes) -> None:
    await store.keep_chunk(pool, upload, number, body, clock.now())
