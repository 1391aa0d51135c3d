"""A member without LINE: named by the shop's own id or a phone number, to be linked later."""

from typing import Protocol
from uuid import UUID

from services.points.awards import Awards
from services.points.enrolment import Enrolment
from services.points.errors import AlreadyTaken
from services.points.store import ledger as store
from services.points.store.members import NewMember
from shared import envelope, ids
from shared.bus.handling import Batch


class Named(Protocol):
    """How the shop names the member."""

    external_id: str | None
    phone: str | None


async def join(batch: Batch, awards: Awards, enrolment: Enrolment, named: Named) -> UUID:
    """Add the member; purchases that waited for one of the names are earned now.

    Raises AlreadyTaken when somebody has one of them.
    """
    person = NewMember(ids.new_id(), "", external_id=named.external_id, phone=named.phone)
    added = await enrolment.add(batch, [person])
    if not added:
        raise AlreadyTaken("another member has this external_id or phone")
    member = added[0]
    names = {"external_id": member.external_id, "phone": member.phone, "card": member.card}
    references = [f"{name}:{value}" for name, value in names.items() if value]
    waiting = await store.take_waiting(batch.connection, references)
    events = [
        event
        for body in waiting
        for event in envelope.decode_group("purchase.submitted.v1", envelope.join([body]))[0]
    ]
    if events:
        await awards.award_waiting(batch, events)
    return member.id
