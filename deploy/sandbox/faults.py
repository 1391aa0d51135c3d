"""Which misfortunes strike, and how often.

Owns the settings of `PUT /sandbox/faults` and the dice. It acts on nothing itself: the edge and
the webhook sender ask it. With a seed, the same calls in the same order meet the same fate.
"""

import random
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Share = Annotated[float, Meta(ge=0, le=1)]
CallFault = Literal["status_500", "status_429", "timeout", "lost_response", "slow"]
WebhookFault = Literal["duplicate", "reorder", "redeliver"]

# Beyond LINE's undisclosed schedule this is ours: bounded, and quick enough for a test.
REDELIVERY_SECONDS = (1.0, 3.0, 8.0, 20.0, 60.0)


class FaultSettings(Struct, forbid_unknown_fields=True, kw_only=True):
    """Shares are probabilities from 0 to 1. What a PUT leaves out returns to its default."""

    status_500: Share = 0.0  # 500, without effect
    status_429: Share = 0.0  # the rate limit's 429, without effect
    timeout: Share = 0.0  # no answer for `timeout_seconds`, then dropped; half took effect
    lost_response: Share = 0.0  # took effect, but the connection drops before the answer
    slow: Share = 0.0  # took effect, and is answered `slow_seconds` later
    duplicate: Share = 0.0  # a webhook is sent twice
    reorder: Share = 0.0  # a webhook is held back behind the user's next one
    redeliver: Share = 0.0  # a webhook that arrived is sent again with isRedelivery
    monthly_limit: Annotated[int, Meta(ge=0)] | None = None
    # A number holds for each endpoint, null switches limits off; left out: LINE's own figures.
    rate_limit: Annotated[int, Meta(ge=1)] | UnsetType | None = UNSET
    timeout_seconds: Annotated[float, Meta(ge=0, le=600)] = 10.0
    slow_seconds: Annotated[float, Meta(ge=0, le=600)] = 2.0
    # For so long a narrowcast tells that it is still sending; it has arrived by then.
    progress_seconds: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    redelivery_seconds: tuple[Annotated[float, Meta(ge=0, le=3600)], ...] = REDELIVERY_SECONDS
    seed: int | None = None


_CALL_FAULTS: tuple[CallFault, ...] = (
    "status_500",
    "status_429",
    "timeout",
    "lost_response",
    "slow",
)


class Faults:
    def __init__(self) -> None:
        self.settings = FaultSettings()
        self._dice = random.Random()  # noqa: S311 - dice, not secrets

    def set(self, settings: FaultSettings) -> None:
        """Put new settings in force; a seed starts the dice anew."""
        self.settings = settings
        if settings.seed is not None:
            self._dice = random.Random(settings.seed)  # noqa: S311 - likewise

    def of_call(self) -> CallFault | None:
        """What befalls this API call, if anything. At most one thing does."""
        for name in _CALL_FAULTS:
            share: float = getattr(self.settings, name)
            if share and self._dice.random() < share:
                return name
        return None

    def seconds_until(self, fault: CallFault | None) -> float:
        """How long a call that met this fault waits for its answer, or for its end without one."""
        waits = {"timeout": self.settings.timeout_seconds, "slow": self.settings.slow_seconds}
        return waits.get(fault or "", 0.0)

    def takes_effect(self) -> bool:
        """Whether a call that times out was carried out all the same: LINE does not tell."""
        return self._dice.random() < 0.5

    def strikes(self, fault: WebhookFault) -> bool:
        share: float = getattr(self.settings, fault)
        return bool(share) and self._dice.random() < share

    def shown(self) -> dict[str, object]:
        """The settings in force, as `GET /sandbox/faults` shows them."""
        shown: dict[str, object] = msgspec.to_builtins(self.settings)
        shown.setdefault("rate_limit", "line")
        return shown
