"""Addresses in messages become links of ours, so that it is known how often they are opened.

Only URI actions are touched, and of those only what a plain redirect can stand in for: addresses
that LINE itself handles would lose their way into the app, and one with a variable is not one
address. What cannot be tracked stays as it is: a message is worth more than its count.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from services.notify.links import codes
from services.notify.links.addresses import BadAddress, checked
from services.notify.store import links as store
from services.notify.store.links import Link
from shared import clock, ids
from shared.bus.handling import Connection

PLACES = ("uri", "linkUri")
"""Where a URI action holds its address; an imagemap's action calls it `linkUri`."""

LINES_OWN = (
    "line.me",
    "liff.line.me",
    "miniapp.line.me",
    "access.line.me",
    "lin.ee",
    "page.line.me",
)
"""LINE opens these itself, without a browser."""

KEPT_PARAMETERS = ("openExternalBrowser", "openInAppBrowser")
"""LINE reads these off the address that is tapped, so they move to ours."""

_variable = re.compile(r"[{}]")


class Source(NamedTuple):
    """What a link is counted for; whatever does not apply is None."""

    broadcast_id: UUID | None = None
    template: str | None = None
    template_version: int | None = None
    segment: str | None = None


async def track(
    connection: Connection, messages: list[dict[str, Any]], source: Source, public_url: str
) -> list[dict[str, Any]]:
    """A copy of LINE `messages` whose http(s) addresses in URI actions lead over
    `{public_url}/r/{code}`.

    The same address of the same source always gets the same code, so this may be repeated. Without
    a `public_url` there is nowhere to lead over: the messages come back as they are.
    """
    base = public_url.rstrip("/")
    wanted = {text: address for text in _addresses(messages) if (address := _trackable(text, base))}
    if not base or not wanted:
        return messages
    links = [_link(address, source) for address in dict.fromkeys(wanted.values())]
    found = await store.add(connection, links)
    ours = {link.address: f"{base}/r/{found[link.id]}" for link in links}
    replaced = {text: ours[address] + _kept_query(text) for text, address in wanted.items()}
    return [_replace(message, replaced) for message in messages]


def _link(address: str, source: Source) -> Link:
    parts = ("" if part is None else str(part) for part in source)
    id = ids.derived_id("link", address, *parts)
    return Link(id, codes.new(), address, None, *source, created_at=clock.now())


def _trackable(text: str, base: str) -> str | None:
    """The address to store, or None for what is left alone."""
    if _variable.search(text) or text.startswith(f"{base}/r/"):
        return None
    try:
        address = checked(text)
    except BadAddress:
        return None
    return None if urlsplit(address).hostname in LINES_OWN else address


def _kept_query(text: str) -> str:
    given = parse_qsl(urlsplit(text).query)
    kept = [(name, value) for name, value in given if name in KEPT_PARAMETERS]
    return f"?{urlencode(kept)}" if kept else ""


def _addresses(value: Any) -> Iterator[str]:
    """Every address of a URI action within, at any depth."""
    if isinstance(value, list):
        for each in value:
            yield from _addresses(each)
    elif isinstance(value, dict):
        if value.get("type") == "uri":
            yield from (value[place] for place in PLACES if isinstance(value.get(place), str))
            yield from _desktop(value)
        else:
            for each in value.values():
                yield from _addresses(each)


def _desktop(action: dict[str, Any]) -> Iterator[str]:
    other = action.get("altUri")
    if isinstance(other, dict) and isinstance(other.get("desktop"), str):
        yield other["desktop"]


def _replace(value: Any, addresses: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_replace(each, addresses) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") != "uri":
        return {name: _replace(each, addresses) for name, each in value.items()}
    action = dict(value)
    for place in PLACES:
        if isinstance(action.get(place), str):
            action[place] = addresses.get(action[place], action[place])
    for address in _desktop(value):
        action["altUri"] = {**value["altUri"], "desktop": addresses.get(address, address)}
    return action
