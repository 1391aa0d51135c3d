"""Who asks in chat which notices they get is shown the menu, after their wish has taken effect."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from services.notify.incoming import Incoming
from services.notify.notices.announcements import Said
from services.notify.notices.announcer import Announcer
from services.notify.preferences import menu
from services.notify.store import preferences as store
from services.notify.store.preferences import Choice
from services.notify.templates.wording import Wording
from shared import clock
from shared.bus.handling import Batch
from shared.events import Event


class Asked(NamedTuple):
    """What an announcement is made from: who asked, how to reply, what they have stopped."""

    line_user_id: str
    reply_token: str | None
    reply_until: datetime | None
    stopped: set[str]


async def answer(
    announcer: Announcer, batch: Batch, asked: Sequence[tuple[Event[Any], Incoming]]
) -> None:
    """Take the wishes over and answer each with how things are now."""
    now = clock.now()
    choices = [
        Choice(reading.user_id, reading.wish.category, reading.wish.stopped, reading.at, "chat")
        for _, reading in asked
        if reading.user_id and reading.wish
    ]
    if choices:
        await store.choose(batch.connection, choices, now)
    users = [reading.user_id for _, reading in asked if reading.user_id]
    stopped = await store.stopped(batch.connection, users)
    questions = [
        msgspec.structs.replace(
            event,
            data=Asked(
                reading.user_id, reading.reply_token, reading.reply_until, stopped[reading.user_id]
            ),
        )
        for event, reading in asked
        if reading.user_id
    ]
    await announcer.announce(batch, questions, _menu, to_blocked=True)


def _menu(data: Asked, wording: Wording, _: Any) -> Said:
    return Said(menu.NOTICES, {}, menu.menu(data.stopped, wording.language))
