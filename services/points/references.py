"""Who is meant: from the way a till names a member to the member."""

from collections.abc import Iterable
from uuid import UUID

from services.points.errors import BadReference
from services.points.store import members as store
from services.points.store.members import Member
from shared.bus.handling import Connection
from shared.events import MemberRef

Named = tuple[str, str]
"""A way to name a member and its value, such as ("card", "2900000000012")."""


def named(ref: MemberRef) -> Named:
    """The stored name in a reference that is no rotating code. Raises BadReference."""
    for name in store.REFERENCES:
        value = getattr(ref, name)
        if value is not None:
            return name, _checked(name, value)
    raise BadReference("name the member by card, qr, external_id, phone or id")


def written(name: Named) -> str:
    """A name as one text, for purchases that wait for whoever comes to bear it."""
    return ":".join(name)


def _checked(name: str, value: str) -> str:
    if name != "id":
        return value
    try:
        return str(UUID(value))
    except ValueError:
        raise BadReference("this is not the id of a member") from None


async def resolve(connection: Connection, names: Iterable[Named]) -> dict[Named, Member]:
    """The members behind names; unknown names are left out. One query per way of naming."""
    wanted: dict[str, set[str]] = {}
    for name, value in names:
        wanted.setdefault(name, set()).add(value)
    found: dict[Named, Member] = {}
    for name, values in wanted.items():
        for member in await store.by(connection, name, sorted(values)):
            found[name, str(getattr(member, name))] = member
    return found
