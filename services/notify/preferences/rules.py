"""The owner's settings in memory, as questions that are asked with every message."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from services.notify.categories import CATEGORIES
from services.notify.looked_up import LookedUp
from services.notify.preferences.settings import SHIPPED, MessageSettings, Notices
from services.notify.program_zone import ProgramZone
from services.notify.store import message_settings as store
from shared.bus.handling import Connection

NO_TIME = timedelta()


class MessageRules(LookedUp[MessageSettings]):
    """`now` is the document that counts; hours are the program's zone's."""

    what = "settings of messages"

    def __init__(self, zone: ProgramZone) -> None:
        super().__init__(SHIPPED)
        self._zone = zone

    @property
    def zone(self) -> ZoneInfo:
        """The program's time zone."""
        return self._zone.now

    async def read(self, connection: "Connection | asyncpg.Pool[Any]") -> MessageSettings:
        """The newest revision, or what is shipped."""
        found = await store.latest(connection)
        return MessageSettings.model_validate_json(found.document) if found else SHIPPED

    def sends(self, category: str) -> bool:
        """Whether the shop says this at all."""
        found = self.now.of(category)
        return found is None or found.send

    def window(self, category: str) -> timedelta:
        """How long it waits for what else there may be to say."""
        found = self.now.of(category)
        return timedelta(seconds=found.window_seconds) if isinstance(found, Notices) else NO_TIME

    @property
    def merging(self) -> frozenset[str]:
        """The categories that go out with others: those that have a window, and with them, what
        never waits."""
        found = {name for name in CATEGORIES if self.window(name) > NO_TIME}
        return frozenset(found | {"chat", "account"} if found else found)

    def quiet_until(self, category: str, now: datetime) -> datetime | None:
        """When the quiet hours are over; None if they are not now."""
        found = self.now.of(category)
        if found is None or found.quiet is None:
            return None
        return found.quiet.until(now, self.zone)
