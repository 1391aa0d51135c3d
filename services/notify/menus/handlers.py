"""What events change about people's menus: the queue `notify.menus`.

A handler notes facts and decides what people should have; LINE is told later, by `linking`.
Who is erased is forgotten with everything else, in `store.personal`.
"""

from typing import Any

from services.notify.menus.settling import settle
from services.notify.personal import told, unless_erased
from services.notify.store import menu_links as store
from services.notify.store.menu_links import Fact, Standing
from shared import clock
from shared.bus.handling import Batch, Handlers
from shared.events import Event

Events = list[Event[Any]]


async def joined(batch: Batch, events: Events) -> None:
    """Somebody is a member."""
    await _learn(
        batch,
        [
            Fact(user, each.data.member_id, each.data.followed_at or each.time, has_left=False)
            for each in events
            if (user := each.data.line_user_id)
        ],
    )


async def returned(batch: Batch, events: Events) -> None:
    """Somebody who had blocked us is back; whether LINE kept their menu is not known."""
    await joined(batch, events)
    users = [each.data.line_user_id for each in events if each.data.line_user_id]
    await store.again(batch.connection, users, clock.now())


async def linked(batch: Batch, events: Events) -> None:
    """A card of the shop's and a LINE account came together."""
    await _learn(
        batch,
        [
            Fact(user, each.data.member_id, each.data.linked_at, has_card=True)
            for each in events
            if (user := each.data.line_user_id)
        ],
    )


async def unlinked(batch: Batch, events: Events) -> None:
    """The LINE account leads to its own member again."""
    await _learn(
        batch,
        [
            Fact(user, each.data.member_id, each.data.unlinked_at, has_card=False)
            for each in events
            if (user := each.data.line_user_id)
        ],
    )


async def merged(batch: Batch, events: Events) -> None:
    """Members were put together or taken apart: whose LINE account it is now."""
    facts = [
        Fact(user, each.data.member_id, each.time)
        for each in events
        if (user := each.data.line_user_id)
    ]
    await _learn(batch, facts)


async def left(batch: Batch, events: Events) -> None:
    """Somebody is no member any more."""
    await _learn(
        batch,
        [
            Fact(user, each.data.member_id, each.data.left_at, has_left=True)
            for each in events
            if (user := each.data.line_user_id)
        ],
    )


async def rank_changed(batch: Batch, events: Events) -> None:
    """A rank moved, also of those who have no LINE account yet."""
    ranks = [Standing(each.data.member_id, each.time, each.data.to_rank) for each in events]
    await store.note_ranks(batch.connection, ranks)
    await _settle_members(batch, ranks)


async def status_changed(batch: Batch, events: Events) -> None:
    """A member was suspended, or is active again."""
    told = [
        Standing(each.data.member_id, each.time, each.data.status == "suspended") for each in events
    ]
    await store.note_suspensions(batch.connection, told)
    await _settle_members(batch, told)


async def _learn(batch: Batch, facts: list[Fact]) -> None:
    if facts:
        await store.note(batch.connection, facts)
        users = [each.line_user_id for each in facts]
        await settle(batch.connection, await store.people(batch.connection, users))


async def _settle_members(batch: Batch, standings: list[Standing]) -> None:
    members = [each.member_id for each in standings]
    await settle(batch.connection, await store.people_of(batch.connection, members))


MENU_HANDLERS: Handlers = {
    name: unless_erased(handler, told)
    for name, handler in {
        "member.joined.v1": joined,
        "member.returned.v1": returned,
        "member.linked.v1": linked,
        "member.unlinked.v1": unlinked,
        "member.merged.v1": merged,
        "member.unmerged.v1": merged,
        "member.left.v1": left,
        "member.status_changed.v1": status_changed,
        "rank.changed.v1": rank_changed,
    }.items()
}
"""The handlers of the queue `notify.menus`."""
