"""What is changed of a member by hand: attributes, names, tags, status, card. Every change is kept
with who made it, when and why; what it says outside is which parts changed, never what they are.

Locks names, then the account, then the member, as everybody does who needs more than one of them.
"""

from collections.abc import Callable
from uuid import UUID

from services.points.errors import AlreadyTaken, ChangedMeanwhile, MemberGone
from services.points.members.enrolment import Enrolment
from services.points.members.references import written
from services.points.purchases.awards import Awards
from services.points.rules import profiles
from services.points.rules.profiles import Patch, Profile
from services.points.store import ledger as ledger_store
from services.points.store import lost_cards
from services.points.store import profiles as store
from services.points.store.lost_cards import LostCard
from services.points.store.members import NewMember
from services.points.store.profiles import Row
from shared import clock
from shared.bus.handling import Batch
from shared.events import MemberStatusChanged, MemberUpdated, new_event

SOURCE = "/points/members"
NAMES = ("external_id", "phone")


async def update(
    batch: Batch,
    awards: Awards,
    member: UUID,
    patch: Patch,
    *,
    actor: str,
    reason: str | None = None,
    match: str | None = None,
    only_new_names: bool = False,
) -> Profile:
    """Change attributes and names; purchases that waited for a new name are earned now.

    `match` is the revision that the caller knows, `only_new_names` lets nothing be overwritten.
    Raises MemberGone, ChangedMeanwhile, AlreadyTaken, ProfileRefused.
    """
    given = patch.given
    names = [written((name, given[name])) for name in NAMES if given.get(name)]
    await ledger_store.lock_references(batch.connection, names)
    row, before = await locked(batch, member)
    if match is not None and match != profiles.revision(before):
        raise ChangedMeanwhile
    if only_new_names and any(getattr(before, name) not in (None, given[name]) for name in given):
        raise AlreadyTaken("the member has another name already; an owner key may change it")
    after = profiles.patched(before, patch)
    new = {
        name: getattr(after, name)
        for name in NAMES
        if getattr(after, name) and getattr(after, name) != getattr(before, name)
    }
    if await store.taken(batch.connection, member, new.get("phone"), new.get("external_id")):
        raise AlreadyTaken("another member has this external_id or phone")
    await _save(batch, row, before, after, reason=reason, actor=actor)
    if new:
        await awards.award_waiting(batch, [NewMember(id=member, card=row.card, **new)])
    return after


async def tag(batch: Batch, member: UUID, tag: str, *, on: bool, actor: str) -> Profile:
    """Put a tag on a member, or take it off. Raises MemberGone, ProfileRefused."""
    row, before = await locked(batch, member)
    change: Callable[[Profile, str], Profile] = profiles.tagged if on else profiles.untagged
    after = change(before, tag)
    await _save(batch, row, before, after, reason=None, actor=actor)
    return after


async def set_status(batch: Batch, member: UUID, status: str, *, reason: str, actor: str) -> None:
    """Suspend a member, who then earns but does not spend, or make them active again.

    Raises MemberGone.
    """
    row, _ = await locked(batch, member)
    if row.status == status:
        return
    await store.set_status(batch.connection, member, status)
    await store.note(
        batch.connection,
        member,
        {"status": row.status},
        {"status": status},
        reason=reason,
        actor=actor,
        now=clock.now(),
    )
    changed = MemberStatusChanged(member, status, row.status, row.line_user_id)
    batch.emit(new_event(SOURCE, changed, subject=str(member)))


async def replace_card(
    batch: Batch, enrolment: Enrolment, member: UUID, *, reason: str, actor: str
) -> str:
    """Give the member a new card at once; the old one counts no more from now on.

    Returns the new number. Raises MemberGone.
    """
    row, _ = await locked(batch, member)
    (card,) = await enrolment.fresh_cards(batch.connection, 1)
    now = clock.now()
    await lost_cards.replace(
        batch.connection, LostCard(row.card, member, now), card, reason=reason, actor=actor
    )
    await store.note(
        batch.connection,
        member,
        {"card": row.card},
        {"card": card},
        reason=reason,
        actor=actor,
        now=now,
    )
    batch.emit(new_event(SOURCE, MemberUpdated(member, ["card"]), subject=str(member)))
    return card


async def locked(batch: Batch, member: UUID) -> tuple[Row, Profile]:
    """The member and what is known of them, locked. Raises MemberGone."""
    await ledger_store.lock_accounts(batch.connection, [member])
    row = await store.lock(batch.connection, member)
    profile = await store.find(batch.connection, member)
    if row is None or profile is None:
        raise MemberGone("unknown", None)
    if row.status not in ("active", "suspended"):
        raise MemberGone(row.status, row.merged_into)
    return row, profile


async def _save(
    batch: Batch, row: Row, before: Profile, after: Profile, *, reason: str | None, actor: str
) -> None:
    old, new = profiles.difference(before, after)
    if not new:
        return
    await store.save(batch.connection, row.id, after)
    await store.note(
        batch.connection, row.id, old, new, reason=reason, actor=actor, now=clock.now()
    )
    batch.emit(new_event(SOURCE, MemberUpdated(row.id, sorted(new)), subject=str(row.id)))
