"""From events to deliveries: whom it concerns, in which language, stored once, sent after commit.

One set-based insert a batch. Owns no wording and no sending.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.notify import categories
from services.notify.categories import CATEGORIES
from services.notify.notices.announcements import Said
from services.notify.program_zone import ProgramZone
from services.notify.sending.deliveries import Delivery
from services.notify.sending.recorder import count_outcomes
from services.notify.sending.sender import LEASE, Sender
from services.notify.store import deliveries as store
from services.notify.store import recipients as store_recipients
from services.notify.store.recipients import STRANGER
from services.notify.templates.wording import Wording, Wordings
from shared import clock, ids
from shared.bus.handling import Batch
from shared.events import Event

Say = Callable[[Any, Wording, ZoneInfo], Said | None]


MORNING, EVENING = 9, 21
"""Hours of the program's time zone between which people may be told what is not urgent."""


def next_day_hour(now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the morning comes; None by day."""
    local = now.astimezone(zone)
    if MORNING <= local.hour < EVENING:
        return None
    day = local.date() + timedelta(days=local.hour >= EVENING)
    return datetime.combine(day, time(MORNING), zone)


class Announcer:
    """What handlers announce with."""

    def __init__(self, sender: Sender, wordings: Wordings, zone: ProgramZone) -> None:
        self._sender = sender
        self._wordings = wordings
        self._zone = zone

    async def announce(
        self,
        batch: Batch,
        events: Sequence[Event[Any]],
        say: Say,
        *,
        to_blocked: bool = False,
        by_day: bool = False,
    ) -> None:
        """Store a delivery for each event that has something to say to a LINE user.

        `to_blocked`: the event itself shows that the user is there, whatever else is known.
        `by_day`: nobody is woken up for it; what is said at night waits for the morning.
        """
        concerned = [event for event in events if event.data.line_user_id]
        users = [event.data.line_user_id for event in concerned]
        known = await store_recipients.known(batch.connection, users)
        zone = await self._zone.ready(batch.connection)
        lease_until = clock.now() + LEASE
        composed: dict[tuple[str, Any], tuple[Delivery, str | None]] = {}
        for event in concerned:
            user = event.data.line_user_id
            recipient = known.get(user, STRANGER)
            said = say(event.data, self._wordings[recipient.language], zone)
            if said is not None:
                delivery = self._compose(event, said, recipient.language, lease_until)
                skipped = "blocked" if recipient.blocked and not to_blocked else None
                composed[user, event.id] = (delivery, skipped)
        if composed:
            waits_until = next_day_hour(clock.now(), zone) if by_day else None
            await self._store(batch, list(composed.values()), waits_until)

    def _compose(
        self, event: Event[Any], said: Said, language: str, lease_until: datetime
    ) -> Delivery:
        data = event.data
        category = categories.of_kind(said.kind)
        template = self._wordings[language].templates[said.kind]
        return Delivery(
            line_user_id=data.line_user_id,
            event_id=event.id,
            id=ids.derived_id("delivery", str(event.id), data.line_user_id),
            kind=said.kind,
            category=category,
            priority=CATEGORIES[category].priority,
            language=language,
            template_version=template.version,
            messages=template.fill(said.values),
            lease_until=lease_until,
            reply_token=getattr(data, "reply_token", None),
            reply_until=getattr(data, "reply_until", None),
        )

    async def _store(
        self,
        batch: Batch,
        composed: list[tuple[Delivery, str | None]],
        waits_until: datetime | None,
    ) -> None:
        now = clock.now()
        deliveries, skipped = zip(*composed, strict=True)
        taken = waits_until is None and self._sender.room() >= len(composed)
        due_at = deliveries[0].lease_until if taken else waits_until or now
        fresh = await store.insert(
            batch.connection, deliveries, skipped, now=now, due_at=due_at, taken=taken
        )
        new = [(delivery, why) for delivery, why in composed if delivery.id in fresh]
        left_out = sum(why is not None for _, why in new)
        to_send = [delivery for delivery, why in new if why is None]

        def committed() -> None:
            if taken:
                self._sender.submit(to_send)
            if left_out:
                count_outcomes(["skipped"] * left_out)

        batch.when_committed(committed)
