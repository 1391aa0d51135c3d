"""The shop's look: name and colour in one row, its pictures beside it."""

from datetime import datetime

import msgspec

from shared.bus.handling import Connection

_FIND = """
SELECT b.name_ja, b.name_en, b.color, b.revision, b.changed_at,
    l.hash AS logo, l.width AS logo_width, l.height AS logo_height,
    p.hash AS picture, p.width AS picture_width, p.height AS picture_height
FROM (VALUES (true)) AS one (one) LEFT JOIN brand b ON b.one = one.one
    LEFT JOIN brand_pictures l ON l.kind = 'logo' LEFT JOIN brand_pictures p ON p.kind = 'picture'
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('brand', 0))"
_PUT = """
INSERT INTO brand AS b (one, name_ja, name_en, color, revision, changed_at)
VALUES (true, $1, $2, $3, 1, $4)
ON CONFLICT (one) DO UPDATE SET name_ja = excluded.name_ja, name_en = excluded.name_en,
    color = excluded.color, revision = b.revision + 1, changed_at = excluded.changed_at
"""
_PUT_PICTURE = """
INSERT INTO brand_pictures (kind, hash, width, height, content, changed_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind) DO UPDATE SET hash = excluded.hash, width = excluded.width,
    height = excluded.height, content = excluded.content, changed_at = excluded.changed_at
"""
_DROP_PICTURE = "DELETE FROM brand_pictures WHERE kind = $1"
_CONTENT = "SELECT content FROM brand_pictures WHERE hash = $1 AND kind = $2"


class Look(msgspec.Struct, frozen=True):
    """How the shop looks; what nobody has said yet is None, `revision` then 0."""

    name_ja: str | None
    name_en: str | None
    color: str | None
    revision: int
    changed_at: datetime | None
    logo: str | None
    logo_width: int | None
    logo_height: int | None
    picture: str | None
    picture_width: int | None
    picture_height: int | None


async def find(connection: Connection) -> Look:
    """The look as it is."""
    (row,) = await connection.fetch(_FIND)
    return Look(**{**row, "revision": row["revision"] or 0})


async def lock(connection: Connection) -> Look:
    """The look, which nobody else changes until the transaction ends."""
    await connection.execute(_LOCK)
    return await find(connection)


async def put(
    connection: Connection, name_ja: str, name_en: str, color: str, now: datetime
) -> None:
    """Say how the shop is called and which colour it has; the revision grows. Lock first."""
    await connection.execute(_PUT, name_ja, name_en, color, now)


async def put_picture(
    connection: Connection,
    kind: str,
    *,
    hash: str,
    size: tuple[int, int],
    content: bytes,
    now: datetime,
) -> None:
    """Keep a picture in place of the one before. Lock first."""
    await connection.execute(_PUT_PICTURE, kind, hash, *size, content, now)


async def drop_picture(connection: Connection, kind: str) -> None:
    """Do without a picture. Lock first."""
    await connection.execute(_DROP_PICTURE, kind)


async def content(connection: Connection, kind: str, hash: str) -> bytes | None:
    """The picture of this name; None if there is another one by now."""
    found: bytes | None = await connection.fetchval(_CONTENT, hash, kind)
    return found
