"""From events to deliveries: whom it concerns, in which language, stored once, sent after commit.

One set-based insert a batch. Owns no wording and no sending.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.notify import store, store_recipients
from services.notify.announcements import Said
from services.notify.deliveries import Delivery
from services.notify.recorder import count_outcomes
from services.notify.sender import LEASE, Sender
from services.notify.store_recipients import STRANGER
from services.notify.wording import Wording, Wordings
from shared import clock, ids
from shared.bus.handling import Batch
from shared.events import Event

Say = Callable[[Any, Wording, ZoneInfo], Said | None]


class Announcer:
    """What handlers announce with."""

    def __init__(self, sender: Sender, wordings: Wordings, zone: ZoneInfo) -> None:
        self._sender = sender
        self._wordings = wordings
        self._zone = zone

    async def announce(
        self, batch: Batch, events: Sequence[Event[Any]], say: Say, *, to_blocked: bool = False
    ) -> None:
        """Store a delivery for each event that has something to say to a LINE user.

        `to_blocked`: the event itself shows that the user is there, whatever else is known.
        """
        concerned = [event for event in events if event.data.line_user_id]
        users = [event.data.line_user_id for event in concerned]
        known = await store_recipients.known(batch.connection, users)
        lease_until = clock.now() + LEASE
        composed: dict[tuple[str, Any], tuple[Delivery, str | None]] = {}
        for event in concerned:
            user = event.data.line_user_id
            recipient = known.get(user, STRANGER)
            said = say(event.data, self._wordings[recipient.language], self._zone)
            if said is not None:
                delivery = self._compose(event, said, recipient.language, lease_until)
                skipped = "blocked" if recipient.blocked and not to_blocked else None
                composed[user, event.id] = (delivery, skipped)
        if composed:
            await self._store(batch, list(composed.values()))

    def _compose(
        self, event: Event[Any], said: Said, language: str, lease_until: datetime
    ) -> Delivery:
        data = event.data
        return Delivery(
            line_user_id=data.line_user_id,
            event_id=event.id,
            id=ids.derived_id("delivery", str(event.id), data.line_user_id),
            kind=said.kind,
            messages=self._wordings[language].templates[said.kind].fill(said.values),
            lease_until=lease_until,
            reply_token=getattr(data, "reply_token", None),
            reply_until=getattr(data, "reply_until", None),
        )

    async def _store(self, batch: Batch, composed: list[tuple[Delivery, str | None]]) -> None:
        now = clock.now()
        deliveries, skipped = zip(*composed, strict=True)
        taken = self._sender.room() >= len(composed)
        due_at = deliveries[0].lease_until if taken else now
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
