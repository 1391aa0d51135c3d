"""The state of the LINE platform as one channel sees it, all of it in memory.

Owns the composition: who exists, what arrived, what was accepted, what may still be sent. Every
change is synchronous, so no two calls can interleave within one. It does no IO.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import md5
from itertools import count
from typing import Any

from msgspec import UNSET, Raw

from deploy.sandbox.audiences import Audiences
from deploy.sandbox.call_log import CallLog, Entry
from deploy.sandbox.deliveries import Deliveries, Delivery, Kind
from deploy.sandbox.faults import Faults, FaultSettings
from deploy.sandbox.people import People, User
from deploy.sandbox.quota import Quota
from deploy.sandbox.rate_limits import RateLimits
from deploy.sandbox.retry_keys import RetryKeys
from deploy.sandbox.rich_menus import RichMenus
from deploy.sandbox.single_use_tokens import (
    LINK_TOKEN_SECONDS,
    REPLY_TOKEN_SECONDS,
    SingleUseTokens,
)
from deploy.sandbox.statistics import Statistics, Tally


@dataclass(slots=True)
class Channel:
    """The account that the services speak for."""

    access_token: str
    bot_user_id: str
    name: str
    webhook_url: str
    redelivers: bool = True


def bot_user_id(login_channel_id: str) -> str:
    """A stable id for the account, so that `destination` is the same after a restart."""
    return "U" + md5(f"bot of {login_channel_id}".encode(), usedforsecurity=False).hexdigest()


@dataclass
class Platform:
    """All state. `now` is the only source of the time of day."""

    channel: Channel
    now: Callable[[], datetime]
    people: People = field(default_factory=People)
    deliveries: Deliveries = field(default_factory=Deliveries)
    retry_keys: RetryKeys = field(default_factory=RetryKeys)
    reply_tokens: SingleUseTokens = field(
        default_factory=lambda: SingleUseTokens(REPLY_TOKEN_SECONDS)
    )
    link_tokens: SingleUseTokens = field(
        default_factory=lambda: SingleUseTokens(LINK_TOKEN_SECONDS)
    )
    quota: Quota = field(default_factory=Quota)
    rates: RateLimits = field(default_factory=RateLimits)
    statistics: Statistics = field(default_factory=Statistics)
    audiences: Audiences = field(default_factory=Audiences)
    rich_menus: RichMenus = field(default_factory=RichMenus)
    faults: Faults = field(default_factory=Faults)
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    log: CallLog = field(default_factory=CallLog)
    aggregation_units: dict[str, set[str]] = field(default_factory=dict)
    on_change: Callable[[], None] | None = None
    on_call: Callable[[str, str, bytes], None] | None = None  # method, path with query, body
    _message_ids: Any = field(default_factory=lambda: count(500_000_000_000_000_001))

    def seconds(self) -> float:
        """Now, as seconds since 1970."""
        return self.now().timestamp()

    def message_id(self) -> str:
        """LINE's message ids are decimal strings."""
        return str(next(self._message_ids))

    def deliver(
        self,
        kind: Kind,
        users: list[User],
        messages: bytes,
        brief: str,
        retry_key: str | None,
        tally: Tally | None = None,
    ) -> None:
        """Put accepted messages on the phones of these users, and count them."""
        at = self.seconds()
        raw = Raw(messages)
        for user in users:
            delivery = Delivery(kind, raw, at, retry_key, user.user_id, tally=tally)
            self.deliveries.add(delivery, brief, time.monotonic_ns())
        self.statistics.count(kind, len(users), at)
        if tally is not None:
            tally.delivered += len(users)

    def note(  # the log keeps this much of a call
        self,
        direction: str,
        name: str,
        outcome: str,
        brief: str = "",
        *,
        call: tuple[str, str] = ("", ""),
        body: bytes = b"",
        answer: bytes = b"",
    ) -> None:
        """Count an outcome and show it in the log; `call` is the method and the path."""
        counter = self.outcomes.get(name)
        if counter is None:
            counter = self.outcomes[name] = Counter()
        counter[outcome] += 1
        at = self.seconds()
        self.log.add(Entry(0, at, direction, name, outcome, brief, *call, body, answer))
        if self.on_change:
            self.on_change()

    def set_faults(self, settings: FaultSettings) -> None:
        self.faults.set(settings)
        self.quota.override = settings.monthly_limit
        limit = settings.rate_limit
        self.rates.clear()
        self.rates.override = None if limit is UNSET else (limit or 0)

    def reset(self) -> None:
        """Forget everything that happened, as a restart would."""
        self.set_faults(FaultSettings())
        for store in (
            self.people, self.deliveries, self.retry_keys, self.reply_tokens,
            self.link_tokens, self.quota, self.rates, self.rich_menus, self.statistics,
            self.audiences,
        ):  # fmt: skip
            store.clear()
        self.outcomes.clear()
        self.log.clear()
        self.aggregation_units.clear()
        if self.on_change:
            self.on_change()
