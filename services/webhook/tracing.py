"""W3C Trace Context: the trace that a request belongs to goes on in the events that it becomes."""

import re
from collections.abc import Mapping

from shared import tracing

# Version ff is forbidden; so are ids of zeros. Later versions may add fields behind a dash.
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]{1,100})?"
)


def traceparent(headers: Mapping[bytes, bytes]) -> str | None:
    """What a request's events go on from: our own span of it where we trace, else the header."""
    return tracing.current() or sent(headers)


def sent(headers: Mapping[bytes, bytes]) -> str | None:
    """The header of that name, if it is well-formed; anything else starts no trace."""
    value = headers.get(b"traceparent")
    if value is None or not _TRACEPARENT.fullmatch(value):
        return None
    if value.startswith(b"00-") and len(value) != len("00-") + 32 + 1 + 16 + 1 + 2:
        return None
    return value.decode()
