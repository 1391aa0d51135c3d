"""What becomes of a row, given who there is already. Pure."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from services.points.rules.importing.rows import Fault, Read

NEW, MATCHED, SKIPPED, BAD = "new", "matched", "skipped", "bad"

Name = tuple[str, str]


class Known(Struct, frozen=True):
    """A member whom a name of the row leads to. `brought` is the row (import, number) by which
    points came to them before, of an import that was not undone."""

    id: UUID
    status: str
    external_id: str | None = None
    phone: str | None = None
    brought: tuple[UUID, int] | None = None


class Shop(Struct, frozen=True):
    """Who there is, by name, and cards that were replaced by others."""

    members: Mapping[Name, Known] = {}
    replaced: frozenset[str] = frozenset()


class Fate(Struct, frozen=True):
    """What becomes of a row; `matched_by` is the name that led to the member. `notes` are said of
    a row that is taken in."""

    kind: str
    member_id: UUID | None = None
    matched_by: str | None = None
    faults: list[Fault] = []
    notes: list[Fault] = []


def fate(
    row: Read, shop: Shop, *, this: UUID, firsts: Mapping[Name, int], again: bool = False
) -> Fate:
    """What becomes of a row of the import `this`.

    `firsts` are rows before this one that bear one of its names. `again`: who had points brought
    along before gets these, too.
    """
    faults = list(row.faults)
    for name in row.wanted.names:
        if name in firsts:
            faults.append(Fault("duplicate", name[0], str(firsts[name])))
    if row.wanted.card in shop.replaced:
        faults.append(Fault("card_replaced", "card"))
    found = {name: shop.members[name] for name in row.wanted.names if name in shop.members}
    if not found:
        return Fate(BAD, faults=faults) if faults else Fate(NEW, notes=row.notes)
    way, member = next((name[0], known) for name, known in found.items())
    faults += _against(row, member, {known.id for known in found.values()})
    if faults:
        return Fate(BAD, member.id, way, faults)
    if member.brought and member.brought[0] == this:
        return Fate(BAD, member.id, way, [Fault("same_member", way, str(member.brought[1]))])
    if member.brought and not again:
        return Fate(SKIPPED, member.id, way, notes=[Fault("brought_before")])
    kept = [Fault("phone_kept", "phone")] if _other(row.wanted.phone, member.phone) else []
    return Fate(MATCHED, member.id, way, notes=row.notes + kept)


def _against(row: Read, member: Known, all_found: set[UUID]) -> list[Fault]:
    if len(all_found) > 1:
        return [Fault("names_differ")]
    if member.status not in ("active", "suspended"):
        return [Fault("member_left")]
    if _other(row.wanted.external_id, member.external_id):
        return [Fault("other_external_id", "external_id")]
    return []


def _other(wanted: str | None, there: str | None) -> bool:
    return wanted is not None and there is not None and wanted != there
