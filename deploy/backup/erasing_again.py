"""Whom an older copy of the database brought back is erased again, as the services do it.

It works without PERSONAL_DATA_KEY: what cannot be opened is destroyed unread. Who had left before
the copy was taken has their LINE user id locked away; if their key is destroyed, the id is found by
its hash where notify and webhook keep it in clear. These hear of it by event when they start.
"""

import secrets
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from deploy.backup import store
from deploy.backup.erased import Erased
from services.points.errors import MemberGone, PointsError
from services.points.members import erasing, merging
from services.points.programs.rulebook import Rulebook
from services.points.staff import audit
from services.points.store import leaving, merges, sealed
from services.points.store.sealed import WrongKey
from shared import ids, outbox
from shared.bus.handling import Batch
from shared.keys import Keys

ACTOR = "restore"
ACT = "tamaru restore"


class Again(msgspec.Struct, frozen=True):
    """How many members were erased again, and in words who was not and why."""

    members: int
    problems: list[str]


async def erase_again(
    database_url: str, schemas: Sequence[str], listed: Sequence[Erased], keys: Keys[str] | None
) -> Again:
    """Erase again those of a list who are in the database. `keys`: PERSONAL_DATA_KEY, if there is
    one; with it, names of who has left are read and found wherever they stand."""
    sealed.use(keys or Keys(secrets.token_urlsafe(32)))
    connection = await asyncpg.connect(database_url, server_settings={"search_path": "points"})
    try:
        return await _Work(connection, schemas, listed).done()
    finally:
        await connection.close()


class _Work:
    """One list over one database."""

    def __init__(
        self, connection: asyncpg.Connection, schemas: Sequence[str], listed: Sequence[Erased]
    ) -> None:
        self._connection = connection
        self._schemas = schemas
        self._members = {each.member: each.at for each in listed if each.member}
        self._users = {each.line_user: each.at for each in listed if each.line_user}
        self._rulebook = Rulebook()

    async def done(self) -> Again:
        """Members first: what they name themselves needs no looking for."""
        back = await store.not_erased(self._connection, self._members)
        problems = [problem for member in back if (problem := await self._member(member))]
        await self._line_users()
        left = await store.not_erased(self._connection, back)
        return Again(len(back) - len(left), problems)

    async def _member(self, member: UUID) -> str | None:
        """Erase a member; why not, if it cannot be done."""
        try:
            try:
                await self._erase(member)
            except WrongKey:
                await store.destroy_member_keys(self._connection, member, self._members)
                await self._erase(member)
        except (PointsError, WrongKey) as problem:
            return f"member {member}: could not be erased again: {problem}"
        return None

    async def _erase(self, member: UUID) -> None:
        async with self._connection.transaction():
            batch = Batch(self._connection)
            await self._tell_apart(batch, member)
            try:
                erased = await erasing.erase_again(batch, self._rulebook, member, actor=ACTOR)
            except MemberGone:  # with those whom they were merged into, before or after this
                return
            before, after = audit.of_gone(erased.was, "erased", erased.points_lost)
            await audit.keep_command(self._connection, ACT, f"member:{member}", before, after)
            await outbox.write(self._connection, batch.emitted, abandoned=True)

    async def _tell_apart(self, batch: Batch, member: UUID) -> None:
        """An erasure takes all who were merged. So where only one of two is listed, their merge was
        undone before; it is undone again, or the other would go or the member would stay."""
        for merge in await merges.of(self._connection, member):
            both = merge.kept in self._members and merge.absorbed in self._members
            if merge.undone_at is None and not both:
                await merging.undo(batch, self._rulebook, merge, ACTOR)

    async def _line_users(self) -> None:
        """Of those who had left, the LINE user id that their member's row does not say any more."""
        known = await store.heard_of(self._connection, self._users)
        hashes = self._users.keys() - known
        if not hashes:
            return
        members = {at: member for member, at in self._members.items()}
        for user in await store.line_users(self._connection, self._schemas, hashes):
            at = self._users[leaving.hash_of(user)]
            async with self._connection.transaction():
                batch = Batch(self._connection)
                await erasing.erase_user(batch, members.get(at) or ids.new_id(), user)
                await outbox.write(self._connection, batch.emitted, abandoned=True)
