"""Who is meant: from the way a till names a member to the member."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from services.points.errors import BadReference
from services.points.rules import phones
from services.points.store import lost_cards, old_cards
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
    if name == "phone":
        return phones.normal(value) or value  # what is no number is nobody's
    if name != "id":
        return value
    try:
        return str(UUID(value))
    except ValueError:
        raise BadReference("this is not the id of a member") from None


async def resolve(connection: Connection, names: Iterable[Named]) -> dict[Named, Member]:
    """The members behind names; unknown names are left out. One query per way of naming.

    A card of the shop's earlier life leads to who had it. The name of a member who was merged into
    another one leads to the other one.
    """
    wanted: dict[str, set[str]] = {}
    for name, value in names:
        wanted.setdefault(name, set()).add(value)
    found: dict[Named, Member] = {}
    for name, values in wanted.items():
        if name == "phone":
            phoned = await store.by_phone(connection, sorted(values))
            found |= {(name, number): member for number, member in phoned.items()}
            continue
        for member in await store.by(connection, name, sorted(values)):
            found[name, str(getattr(member, name))] = member
    await _by_old_cards(connection, wanted.get("card", set()), found)
    merged = {each.merged_into for each in found.values() if each.merged_into}
    if merged:  # nobody who was merged has taken over others, so one step is enough
        kept = {member.id: member for member in await store.by(connection, "id", list(merged))}
        for reference, member in found.items():
            if member.merged_into is not None:
                found[reference] = kept[member.merged_into]
    return found


async def _by_old_cards(
    connection: Connection, cards: set[str], found: dict[Named, Member]
) -> None:
    missing = [card for card in cards if ("card", card) not in found]
    if not missing or not (old := await old_cards.find(connection, missing)):
        return
    owners = {each.id: each for each in await store.by(connection, "id", list(set(old.values())))}
    found |= {("card", card): owners[member] for card, member in old.items()}


async def of_lost_cards(
    connection: Connection, names: Iterable[Named]
) -> dict[Named, tuple[datetime, Member]]:
    """Of these names the cards that were replaced: since when, and whose they were."""
    cards = [value for name, value in names if name == "card"]
    lost = await lost_cards.find(connection, cards) if cards else {}
    owners = await resolve(connection, {("id", str(each.member_id)) for each in lost.values()})
    return {
        ("card", card): (each.replaced_at, owners["id", str(each.member_id)])
        for card, each in lost.items()
    }
