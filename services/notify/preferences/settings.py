"""The owner's settings of messages as one document: what is sent at all, when, and what is merged.

Owns its shape, its defaults and its checks; refused whole if anything in it is wrong. Answers in
chat and what concerns the membership itself are not settable: somebody waits for them. Pure.
"""

from datetime import datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.notify.preferences.quiet import quiet_until

MOST_WINDOW_SECONDS = 600
MOST_QUIET = timedelta(hours=20)
"""LINE knows a retry key for a day: what may have been sent must get its second try in time."""

Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["21:00"])]


class _Part(BaseModel):
    """Nothing but what is known: a slip of the pen is no setting."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Quiet(_Part):
    """Hours of the shop's time zone, `to` excluded; they may go over midnight."""

    start: Clock = Field(alias="from")
    end: Clock = Field(alias="to")

    @model_validator(mode="after")
    def _leaves_time(self) -> Self:
        start, end = (timedelta(hours=int(at[:2]), minutes=int(at[3:])) for at in self._both)
        if (end - start) % timedelta(days=1) > MOST_QUIET or start == end:
            raise ValueError("Quiet hours last at most 20 hours, so that messages can go out.")
        return self

    @property
    def _both(self) -> tuple[str, str]:
        return self.start, self.end

    def until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When they are over; None if they are not now."""
        start, end = map(time.fromisoformat, self._both)
        return quiet_until(now, zone, start, end)


NIGHT = Quiet(start="21:00", end="09:00")


class Offers(_Part):
    """Messages to many. `send`: whether they are sent at all."""

    send: bool = Field(default=True, strict=True)
    quiet: Quiet | None = NIGHT


class Notices(_Part):
    """Notices of one category to one person. What else is to be told within `window_seconds` goes
    out in the same message (0: each at once and alone); `quiet` null: at any time."""

    send: bool = Field(default=True, strict=True)
    window_seconds: int = Field(default=3, ge=0, le=MOST_WINDOW_SECONDS, strict=True)
    quiet: Quiet | None = None


class Categories(_Part):
    """Each category that people may stop; what is left out is as shipped."""

    receipt: Notices = Notices(window_seconds=1)
    rank: Notices = Notices(quiet=NIGHT)
    expiry: Notices = Notices(quiet=NIGHT)
    campaign: Offers = Offers()


class MessageSettings(_Part):
    """The document. `language` is spoken to those whose own LINE has not told us yet."""

    language: Literal["ja", "en"] = "ja"
    categories: Categories = Categories()

    def of(self, category: str) -> Notices | Offers | None:
        """What is set for a category; None for one that is not settable."""
        found: Notices | Offers | None = getattr(self.categories, category, None)
        return found


SHIPPED = MessageSettings()

AT_ONCE = MessageSettings(
    categories=Categories(
        receipt=Notices(window_seconds=0),
        rank=Notices(window_seconds=0),
        expiry=Notices(window_seconds=0),
        campaign=Offers(quiet=None),
    )
)
"""Nothing waits, at whatever hour: for runs that count messages one by one."""
