"""What an answer of LINE's Messaging API, or its absence, means for a message. Pure.

Sources: LINE's reference on retrying requests, on error responses and on rate limits. What follows
from an outcome stands in `progress`.
"""

from enum import StrEnum
from typing import NamedTuple

import aiohttp
import msgspec

from services.notify.preferences.profiles import Found, Profile

MONTHLY_LIMIT = "monthly limit"
SPENT_WORDS = "invalid reply token"
MOST_DETAIL = 500


class Outcome(StrEnum):
    """What became of one call."""

    DELIVERED = "delivered"
    ALREADY_DELIVERED = "already_delivered"
    """The retry key was accepted before: an earlier try had arrived."""
    RATE_LIMITED = "rate_limited"
    """Not accepted: too many calls a second."""
    UNREACHED = "unreached"
    """Not accepted: no connection was made."""
    UNCERTAIN = "uncertain"
    """May have been accepted: 5xx, no answer in time, or the connection was lost."""
    QUOTA = "quota"
    """Not accepted until the month turns or the plan changes."""
    UNAUTHORISED = "unauthorised"
    """Not accepted, and no other call will be: the channel's token or plan is wrong."""
    REPLY_EXPIRED = "reply_expired"
    """The reply token was used, or is too old."""
    REFUSED = "refused"
    """Not accepted, and never will be."""


class Answer(NamedTuple):
    """An outcome with LINE's words for it (for a failure) and LINE's id of the request."""

    outcome: Outcome
    detail: str | None = None
    request_id: str | None = None


class _Detail(msgspec.Struct):
    message: str = ""
    property: str = ""


class _Error(msgspec.Struct):
    message: str = ""
    details: list[_Detail] = []


_decode = msgspec.json.Decoder(_Error).decode


class _LinkToken(msgspec.Struct):
    linkToken: str


def link_token_in(body: bytes) -> str | None:
    """The link token in LINE's answer; None where there is none."""
    try:
        return msgspec.json.decode(body, type=_LinkToken).linkToken
    except msgspec.MsgspecError:
        return None


class _Profile(msgspec.Struct):
    displayName: str = ""
    language: str | None = None


MOST_NAME = 100


def profile_in(status: int, body: bytes) -> Profile:
    """What LINE's answer to a question for a profile tells. Of who has blocked the account, never
    followed it or has left LINE, it tells nothing."""
    if status in (400, 404):
        return Profile(Found.NONE)
    try:
        told = msgspec.json.decode(body, type=_Profile) if status == 200 else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        told = None
    if told is None:
        return Profile(Found.LATER)
    name = told.displayName.replace("\x00", "").strip()[:MOST_NAME]
    return Profile(Found.TOLD, name or None, told.language)


def of_response(status: int, body: bytes, request_id: str | None = None) -> Answer:
    """The meaning of an HTTP answer other than 200."""
    if status == 409:
        return Answer(Outcome.ALREADY_DELIVERED, None, request_id)
    detail = _words(status, body)
    return Answer(_of_failure(status, detail.lower()), detail, request_id)


def of_exception(problem: BaseException) -> Answer:
    """The meaning of a call that got no answer."""
    if isinstance(problem, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Answer(Outcome.UNREACHED, f"not connected ({type(problem).__name__})")
    return Answer(Outcome.UNCERTAIN, f"no answer ({type(problem).__name__})")


def _of_failure(status: int, words: str) -> Outcome:
    if status == 429:
        return Outcome.QUOTA if MONTHLY_LIMIT in words else Outcome.RATE_LIMITED
    if status in (401, 403):
        return Outcome.UNAUTHORISED
    if status == 400 and SPENT_WORDS in words:
        return Outcome.REPLY_EXPIRED
    # Any other status below 500 says that LINE understood the call and does not take it.
    return Outcome.REFUSED if 400 <= status < 500 and status != 408 else Outcome.UNCERTAIN


def _words(status: int, body: bytes) -> str:
    """LINE's message and details as one text; PostgreSQL takes no NUL in it."""
    try:
        error = _decode(body)
        parts = [error.message, *(f"{each.property}: {each.message}" for each in error.details)]
        text = "; ".join(part for part in parts if part)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        text = body.decode("utf-8", "replace")
    return f"{status} {text}".replace("\x00", "")[:MOST_DETAIL]
