"""Who opens a link: a person, or a program that looks ahead. Pure, and nothing of it is kept.

Messengers fetch a link to draw its preview, browsers fetch ahead, scanners look for malware: none
of them is a customer. LINE's own preview calls itself `facebookexternalhit/1.1;line-poker/1.0`; its
in-app browser, which customers use, adds `Line/` and a version to the phone's own name.
"""

import re
from collections.abc import Iterable

_PROGRAM = re.compile(
    rb"(?<!cu)bot\b|(?<!cu)bot[/_-]|crawl|spider|slurp|preview|prefetch|scanner|monitor|headless"
    rb"|facebookexternalhit|line-poker|whatsapp|embedly|mediapartners|feedfetcher|validator"
    rb"|^(curl|wget|python|go-http|java|okhttp|libwww|axios|node|ruby|php|httpx|aiohttp)",
    re.IGNORECASE,
)
_AHEAD = (b"purpose", b"sec-purpose", b"x-purpose", b"x-moz")
"""Headers in which browsers say that nobody has tapped yet."""

_LONGEST_READ = 500


def is_person(method: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request counts as somebody opening the link; header names in lower case, as ASGI
    gives them. A HEAD never counts, nor does what does not say what it is."""
    if method != "GET":
        return False
    agent = b""
    for name, value in headers:
        if name == b"user-agent":
            agent = value[:_LONGEST_READ]
        elif name in _AHEAD and (b"prefetch" in value.lower() or b"preview" in value.lower()):
            return False
    return bool(agent) and _PROGRAM.search(agent) is None
