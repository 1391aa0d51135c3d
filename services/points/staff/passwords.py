"""Passwords and PINs: kept as argon2id, checked beside the event loop, a few at a time.

A check takes some 20 ms and 64 MB on purpose. Whoever names an account that there is not waits as
long, so that the time tells nothing.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10
LONGEST = 200
AT_ONCE = 2
"""Threads, and so memory: what comes meanwhile waits its turn."""

_hasher = PasswordHasher()
_nobody = _hasher.hash("nobody's password")
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")


async def hashed(word: str) -> str:
    """What is kept of a password or PIN."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, word)


async def fits(kept: str | None, word: str) -> bool:
    """Whether `word` is the one that `kept` was made of; None fits nothing, and takes as long."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _verify, kept or _nobody, word) and kept is not None


def _verify(kept: str, word: str) -> bool:
    try:
        return _hasher.verify(kept, word)
    except (VerificationError, InvalidHashError):
        return False
