"""What goes over the wire about webhooks."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.points.web.schemas import Text

Events = Annotated[list[Text], Field(min_length=1, max_length=50)]
Url = Annotated[str, Field(min_length=1, max_length=2000, examples=["https://example.jp/hooks"])]
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC))
]
"""Within what every calendar and database can hold, in any zone."""

Status = Literal["active", "paused", "off"]
DeliveryStatus = Literal["waiting", "delivered", "failed"]


class NewWebhook(BaseModel):
    """Where to tell what. `events` are `*`, families (`points.*`), names (`points.earned`) or whole
    types (`points.earned.v1`)."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    events: Events
    description: Text | None = None
    include_line_user_id: bool = False


class WebhookChanges(BaseModel):
    """What to change; what is left out stays. `active` false stops it, true resumes it."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    events: Events | None = None
    description: Text | None = None
    include_line_user_id: bool | None = None
    active: bool | None = None


class Reason(BaseModel):
    """Why nothing is sent, for people."""

    ja: str
    en: str


class Webhook(BaseModel):
    """A webhook. `paused`: by us, after days of failures; what happens is kept for it until it is
    resumed. `off`: by its owner, or because it answered 410; what happens is not kept for it."""

    id: UUID
    url: str
    events: list[str]
    description: str | None
    include_line_user_id: bool
    status: Status
    reason: Reason | None
    failing_since: datetime | None
    last_problem: str | None
    old_secret_until: datetime | None
    created_at: datetime
    changed_at: datetime


class WebhookWithSecret(Webhook):
    """A webhook and its new secret, shown this once; null when the call is a repeat."""

    secret: str | None


class WebhookPage(BaseModel):
    """All webhooks, in the order of making."""

    items: list[Webhook]
    next: str | None = None


class Attempt(BaseModel):
    """One try. No `status_code`: no answer came, and `problem` says why. `answer` is the first of
    its body."""

    at: datetime
    duration_ms: int
    status_code: int | None = None
    answer: str | None = None
    problem: str | None = None


class Delivery(BaseModel):
    """A message for a webhook. `id` is what the receiver gets as webhook-id, the same each time."""

    id: UUID
    type: str
    timestamp: datetime
    member_id: UUID | None
    status: DeliveryStatus
    attempts: list[Attempt]
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


class DeliveryPage(BaseModel):
    """A page of the delivery log, newest first."""

    items: list[Delivery]
    next: str | None


class Period(BaseModel):
    """From (inclusive) and until (exclusive), by the events' own times."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    since: Annotated[Moment, Field(alias="from")]
    until: Moment
    only_failed: bool = False


class Replayed(BaseModel):
    """How many messages are being sent."""

    deliveries: int
