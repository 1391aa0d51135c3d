"""What the API takes and gives."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class ScheduleRun(BaseModel):
    """A run: the moment it was meant for, when it fired, how late. `asked_by` is the API key of who
    ran it by hand, null when it came due."""

    due_at: datetime
    fired_at: datetime
    lag_seconds: float
    asked_by: str | None


class Schedule(BaseModel):
    """A recurring schedule. `next_at` is null while it is paused or cannot be read; `problem` says
    why it cannot. `own_time_zone` is null when it follows the program's."""

    name: str
    cron: str
    time_zone: str
    own_time_zone: str | None
    catch_up: int
    status: str = Field(description="active, paused or broken")
    paused_at: datetime | None
    problem: str | None
    last: ScheduleRun | None
    next_at: datetime | None
    lag_seconds: float = Field(description="how long a moment has been due without firing")


class ScheduledItemCount(BaseModel):
    """How many items of a type wait; `due` are due already and not held."""

    event_type: str
    waiting: int
    held: int
    due: int
    next_at: datetime | None


class ScheduledItemsHandedOver(BaseModel):
    """Items of a type handed over in the last 24 hours, and how late the latest of them was."""

    event_type: str
    items: int
    worst_lag_seconds: float
    last_at: datetime


class ScheduleOverview(BaseModel):
    """All that is due: `items` are the schedules; `lag_seconds` is of the oldest due item.
    `time_zone` is the shop's."""

    at: datetime
    time_zone: str
    items: list[Schedule]
    waiting: list[ScheduledItemCount]
    handed_over: list[ScheduledItemsHandedOver]
    lag_seconds: float
    next: None = None


class ScheduleRunPage(BaseModel):
    """Runs, newest first."""

    items: list[ScheduleRun]
    next: str | None


class ScheduleChange(BaseModel):
    """Other times for a schedule: five cron fields, a zone (null: the program's), and how many
    missed moments are made up for after an absence."""

    model_config = ConfigDict(extra="forbid")

    cron: str = Field(max_length=100)
    time_zone: str | None = Field(default=None, max_length=100)
    catch_up: int = Field(default=1, ge=1, le=1000)


class ScheduledItem(BaseModel):
    """Something that happens once at its time. `subject` is the member that it concerns."""

    key: str
    event_type: str
    due_at: datetime
    status: str = Field(description="waiting, due or held")
    subject: str | None
    lag_seconds: float


class ScheduledItemPage(BaseModel):
    """Items, the soonest first."""

    items: list[ScheduledItem]
    next: str | None


class ScheduleAct(BaseModel):
    """What somebody did: pause, resume, run, change or cancel."""

    id: str
    act: str
    target: str
    actor: str
    at: datetime


class ScheduleActPage(BaseModel):
    """Acts, newest first."""

    items: list[ScheduleAct]
    next: str | None
