"""A broadcast tried on one member before it goes to many."""

from collections.abc import Mapping
from uuid import UUID

from services.notify.broadcasts import content as contents
from services.notify.broadcasts import planning
from services.notify.broadcasts.content import Content
from services.notify.categories import CATEGORIES
from services.notify.sending.deliveries import Delivery
from services.notify.store import personal as store_personal
from services.notify.store import recipients
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem

CATEGORY = "chat"
"""It is an answer to who asked for it, whatever they have stopped."""


async def reachable(connection: Connection, member: UUID) -> str:
    """The member's LINE user. Raises Problem 409 where nothing can be sent."""
    users = await store_personal.users(connection, [member], [])
    known = await recipients.known(connection, users)
    for user in users:
        if not known[user].blocked:
            return user
    raise Problem(
        409,
        "no-line",
        "This member has no LINE here, or has blocked the account. Take another one for the test.",
    )


def trial(
    id: UUID, line_user_id: str, said: Content, language: str, fixed: Mapping[str, str]
) -> Delivery:
    """The delivery of a test; `id` is the call's."""
    spoken = planning.spoken_to(language, said.spoken)
    return Delivery(
        line_user_id=line_user_id,
        event_id=id,
        id=planning.delivery_id(id, line_user_id),
        kind=said.kind,
        messages=contents.sample(said.texts, spoken, fixed),
        lease_until=clock.now(),
        category=CATEGORY,
        priority=CATEGORIES[CATEGORY].priority,
        template_version=said.version,
        language=spoken,
    )
