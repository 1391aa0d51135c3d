"""Where a tracked link may lead: checked once, when it is stored. Pure.

A browser must read an address as this module does, or a link could lead elsewhere than it seems: so
what is read in different ways (backslashes, blanks, control characters, credentials) is refused.
"""

import ipaddress
import re
import unicodedata
from urllib.parse import quote, urlsplit, urlunsplit

LONGEST = 1000
"""UTF-16 units, as LINE counts an action's `uri`."""

_HOST = re.compile(
    r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
)
_KEPT = "".join(map(chr, range(0x21, 0x7F)))


class BadAddress(ValueError):
    """The address is not taken; the text says why, for whoever typed it."""


def checked(text: str) -> str:
    """The address as it is stored: ASCII, its host in lower case. Raises BadAddress."""
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 > LONGEST:
        raise BadAddress(f"longer than {LONGEST} characters")
    if any(_is_hidden(character) for character in text) or "\\" in text:
        raise BadAddress("holds blanks, control characters or backslashes; write them encoded")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadAddress("not an address that browsers understand") from None
    if parts.scheme not in ("https", "http"):
        raise BadAddress("does not begin with https:// or http://")
    if "@" in parts.netloc:
        raise BadAddress("holds a user name or password")
    host = (_literal if "[" in parts.netloc else _host)(parts.hostname or "")
    netloc = host if port is None else f"{host}:{port}"
    rest = (quote(part, safe=_KEPT) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, netloc, *rest))


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character)[0] in "CZ"


def _literal(name: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(name)}]"
    except ValueError:
        raise BadAddress("holds no valid host") from None


def _host(name: str) -> str:
    try:
        ascii_name = name.removesuffix(".").encode("idna").decode().lower()
    except UnicodeError:
        raise BadAddress("holds no valid host") from None
    if not _HOST.fullmatch(ascii_name):
        raise BadAddress("holds no valid host")
    return ascii_name
