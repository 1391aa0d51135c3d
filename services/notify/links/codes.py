"""A link's code: random, so that nobody finds one by trying. Pure but for the randomness."""

import re
import secrets

RANDOM_BYTES = 12
"""96 bits: with a million links, a million tries a second hit one in a thousand million years."""

_code = re.compile(r"[A-Za-z0-9_-]{16}")


def new() -> str:
    """A new code: 16 characters that an address holds as they are."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def is_one(text: str) -> bool:
    """Whether this can be a code at all; nothing else is looked up."""
    return _code.fullmatch(text) is not None
