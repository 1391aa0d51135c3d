"""How long somebody waits after wrong tries. Pure: tries, and now, are given.

An account waits after a few of its own, so that a password cannot be guessed (but not in a browser
that its owner was in before: that one has tries of its own); an address after more, since a whole
shop may share one. The wait doubles with each wrong try and is told, whether
the account exists or not.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

REMEMBERED = timedelta(days=1)
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
TRIES_OF_ACCOUNT = 5
TRIES_OF_ADDRESS = 30
TRIES_OF_PIN = 5


def wait(tries: Sequence[datetime], allowed: int, now: datetime) -> timedelta:
    """How long from `now` until the next try, zero for at once; `tries` failed, in any order."""
    recent = [at for at in tries if now - at < REMEMBERED]
    beyond = len(recent) - allowed
    if beyond < 0:
        return timedelta(0)
    doubled: timedelta = FIRST_WAIT * 2 ** min(beyond, 20)
    return max(timedelta(0), max(recent) + min(doubled, LONGEST_WAIT) - now)


def who(key: bytes, kind: str, name: str) -> str:
    """What tries are counted under: nobody reads an address or a login from it."""
    return hmac.new(key, f"{kind}:{name}".encode(), hashlib.sha256).hexdigest()
