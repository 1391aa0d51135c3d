"""A member without LINE: named by the shop's own id or a phone number, to be linked later."""

from typing import Protocol
from uuid import UUID

from services.points.errors import AlreadyTaken
from services.points.members.enrolment import Enrolment
from services.points.purchases.awards import Awards
from services.points.rules import phones
from services.points.store.members import NewMember
from shared import ids
from shared.bus.handling import Batch


class Named(Protocol):
    """How the shop names the member."""

    external_id: str | None
    phone: str | None


async def join(batch: Batch, awards: Awards, enrolment: Enrolment, named: Named) -> UUID:
    """Add the member; purchases that waited for one of the names are earned now.

    Raises AlreadyTaken when somebody has one of them.
    """
    phone = phones.normal(named.phone) if named.phone else None
    person = NewMember(id=ids.new_id(), external_id=named.external_id, phone=phone)
    added = await enrolment.add(batch, [person])
    if not added:
        raise AlreadyTaken("another member has this external_id or phone")
    member = added[0]
    await awards.award_waiting(batch, [member])
    return member.id
