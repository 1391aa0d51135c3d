"""What goes in and out of `/v1/account` and `/v1/staff`."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.points.staff import passwords
from services.points.staff.people import MOST_STORES

Role = Literal["owner", "manager", "staff", "viewer"]
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
Login = Annotated[str, Field(max_length=200, pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$")]
Password = Annotated[str, Field(min_length=passwords.SHORTEST, max_length=passwords.LONGEST)]
Pin = Annotated[str, Field(pattern=r"^[0-9]{4,8}$")]
Code = Annotated[str, Field(min_length=6, max_length=40)]
Stores = Annotated[
    list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=MOST_STORES)
]


class Given(BaseModel):
    """A body: nothing in it that is not asked for."""

    model_config = ConfigDict(extra="forbid")


class Session(BaseModel):
    """Where somebody is signed in. `way`: password, line, pin, invitation; `here`: this one."""

    id: str
    way: str
    device: str
    store: str | None
    since: datetime
    last_seen_at: datetime
    here: bool


class Sessions(BaseModel):
    """All that live, the latest first."""

    items: list[Session]


class Account(BaseModel):
    """Somebody's own account. `one_time_codes`: on, waiting (for the first code) or off."""

    id: str
    name: str
    login: str | None
    role: Role
    stores: list[str] | None
    store: str | None
    password: bool
    pin: bool
    line: bool
    one_time_codes: Literal["on", "waiting", "off"]
    recovery_codes_left: int


class AccountChange(Given):
    """Another name, as colleagues see it."""

    name: Name


class NewPassword(Given):
    """`current` may be left out while there is none."""

    current: Annotated[str, Field(max_length=passwords.LONGEST)] = ""
    new: Password
    login: Login | None = None


class NewPin(Given):
    """Four to eight digits, for the counter."""

    pin: Pin


class TypedCode(Given):
    """What the app shows, or a recovery code."""

    code: Code


class OneTimeSecret(BaseModel):
    """What the authenticator app takes: scanned (`address`, or `qr` as SVG) or typed."""

    secret: str
    address: str
    qr: str


class RecoveryCodes(BaseModel):
    """Each lets somebody in once without the app. Shown now and never again."""

    recovery_codes: list[str]
