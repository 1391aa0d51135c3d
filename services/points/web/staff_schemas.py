"""What goes in and out of `/v1/staff`."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.points.web.account_schemas import Given, Name, Pin, Role, Stores


class Colleague(BaseModel):
    """Somebody who works here. `stores` null: all. `one_time_codes`: on, waiting or off;
    `sessions` is how many live."""

    id: str
    name: str
    login: str | None
    role: Role
    stores: list[str] | None
    active: bool
    password: bool
    pin: bool
    line: bool
    one_time_codes: Literal["on", "waiting", "off"]
    sessions: int
    last_seen_at: datetime | None
    created_at: datetime


class Colleagues(BaseModel):
    """Everybody, who works here first, by name. There is no further page."""

    items: list[Colleague]
    next: None = None


class StaffChange(Given):
    """What is not given stays. `stores` null: all. A new role or other stores end all sessions,
    and so does `active: false`."""

    name: Name | None = None
    role: Role | None = None
    stores: Stores | None = None
    active: bool | None = None


class NewInvitation(Given):
    """Who is to come, in which role; `stores` left out or null: all."""

    name: Name
    role: Role
    stores: Stores | None = None


class StaffInvitation(BaseModel):
    """A link that lets somebody in once, until `expires_at`. `qr` is the link as SVG. `staff` is
    set where it lets somebody who works here choose another password."""

    id: str
    name: str
    role: Role
    stores: list[str] | None
    staff: str | None
    created_at: datetime
    expires_at: datetime
    state: Literal["open", "accepted", "withdrawn", "expired"]
    link: str | None
    qr: str | None


class StaffInvitations(BaseModel):
    """Those that are still good, the newest first."""

    items: list[StaffInvitation]
    next: None = None


class GivenPin(Given):
    """A PIN for somebody, which they may change."""

    pin: Pin
