"""From events to deliveries: whom it concerns, in which language and when, stored once.

What may go at once is sent after the commit; the rest waits on disk for the end of its window or of
the quiet hours. A few set-based statements a batch. Owns no wording and no sending.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.notify import categories
from services.notify.categories import CATEGORIES
from services.notify.notices.announcements import Said
from services.notify.preferences.rules import NO_TIME, MessageRules
from services.notify.program_zone import ProgramZone
from services.notify.sending.alarm import Alarm
from services.notify.sending.deliveries import Delivery
from services.notify.sending.recorder import count_outcomes
from services.notify.sending.sender import LEASE, Sender
from services.notify.store import claims
from services.notify.store import deliveries as store
from services.notify.store import recipients as store_recipients
from services.notify.store.recipients import Recipient
from services.notify.templates.people import NAMELESS
from services.notify.templates.wording import Wording, Wordings
from shared import clock, ids, tracing
from shared.bus.handling import Batch
from shared.events import Event

Say = Callable[[Any, Wording, ZoneInfo], Said | None]


class Wait(NamedTuple):
    """Until when a delivery waits, and whether it may go earlier with others."""

    until: datetime
    gathering: bool


def wait_of(category: str, rules: MessageRules, now: datetime) -> Wait | None:
    """How long what is to be told now waits: for its window, and for the morning; None: at once."""
    window = rules.window(category)
    if morning := rules.quiet_until(category, now + window):
        return Wait(morning, gathering=False)
    return Wait(now + window, gathering=True) if window > NO_TIME else None


class Announcer:
    """What handlers announce with."""

    def __init__(
        self,
        sender: Sender,
        wordings: Wordings,
        zone: ProgramZone,
        rules: MessageRules,
        alarm: Alarm,
    ) -> None:
        self._sender = sender
        self._wordings = wordings
        self._zone = zone
        self._rules = rules
        self._alarm = alarm

    async def language(self, batch: Batch) -> str:
        """What is spoken to those whose own LINE has not told us."""
        return (await self._rules.ready(batch.connection)).language

    async def announce(
        self, batch: Batch, events: Sequence[Event[Any]], say: Say, *, to_blocked: bool = False
    ) -> None:
        """Store a delivery for each event that has something to say to a LINE user.

        `to_blocked`: the event itself shows that the user is there, whatever else is known.
        """
        concerned = [event for event in events if event.data.line_user_id]
        if not concerned:
            return
        zone = await self._zone.ready(batch.connection)
        language = await self.language(batch)
        users = [event.data.line_user_id for event in concerned]
        known = await store_recipients.known(batch.connection, users, language)
        composed: dict[tuple[str, Any], tuple[Delivery, str | None]] = {}
        now = clock.now()
        for event in concerned:
            user = event.data.line_user_id
            recipient = known[user]
            said = say(event.data, self._wordings[recipient.language], zone)
            if said is not None:
                delivery = self._compose(event, said, recipient, now + LEASE)
                skipped = self._skipped(delivery, recipient, to_blocked=to_blocked)
                composed[user, event.id] = (delivery, skipped)
        waits: dict[Wait | None, list[tuple[Delivery, str | None]]] = defaultdict(list)
        for delivery, skipped in composed.values():
            waits[wait_of(delivery.category, self._rules, now)].append((delivery, skipped))
        for wait, group in waits.items():
            await self._store(batch, group, wait, now)

    def _skipped(self, delivery: Delivery, recipient: Recipient, *, to_blocked: bool) -> str | None:
        """Why it is not sent, ever; None if it is."""
        if recipient.blocked and not to_blocked:
            return "blocked"
        if delivery.category in recipient.stopped:
            return "opted_out"
        return None if self._rules.sends(delivery.category) else "switched_off"

    def _compose(
        self, event: Event[Any], said: Said, recipient: Recipient, lease_until: datetime
    ) -> Delivery:
        data = event.data
        category = categories.of_kind(said.kind)
        messages, version = self._worded(said, recipient)
        return Delivery(
            line_user_id=data.line_user_id,
            event_id=event.id,
            id=ids.derived_id("delivery", str(event.id), data.line_user_id),
            kind=said.kind,
            category=category,
            priority=CATEGORIES[category].priority,
            language=recipient.language,
            template_version=version,
            messages=messages,
            lease_until=lease_until,
            reply_token=getattr(data, "reply_token", None),
            reply_until=getattr(data, "reply_until", None),
            traceparents=tracing.worth_keeping(event.traceparent),
        )

    def _worded(self, said: Said, recipient: Recipient) -> tuple[str, int | None]:
        """The messages, and the version of the template that they are from."""
        if said.messages is not None:
            return said.messages, None
        template = self._wordings[recipient.language].templates[said.kind]
        name = (recipient.name or "").strip() or NAMELESS[recipient.language]
        return template.fill({"name": name, **said.values}), template.version

    async def _store(
        self,
        batch: Batch,
        composed: list[tuple[Delivery, str | None]],
        wait: Wait | None,
        now: datetime,
    ) -> None:
        deliveries, skipped = zip(*composed, strict=True)
        taken = wait is None and self._sender.room() >= len(composed)
        lease_until = deliveries[0].lease_until
        fresh = await store.insert(
            batch.connection,
            deliveries,
            skipped,
            now=now,
            due_at=wait.until if wait else lease_until if taken else now,
            taken=taken,
            gathering=wait is not None and wait.gathering,
        )
        new = [(delivery, why) for delivery, why in composed if delivery.id in fresh]
        left_out = sum(why is not None for _, why in new)
        going = [delivery for delivery, why in new if why is None] if taken else []
        merged = 0
        if going and deliveries[0].category in ("chat", "account"):
            merging = self._rules.merging
            groups = await claims.take_along(batch.connection, going, now, lease_until, merging)
            merged = sum(len(group.followers) for group in groups)
            going = [group.leader for group in groups]

        def committed() -> None:
            self._sender.submit(going)
            if wait is not None and wait.gathering:
                self._alarm.set(wait.until)
            if left_out or merged:
                count_outcomes(["skipped"] * left_out + ["merged"] * merged)

        batch.when_committed(committed)
