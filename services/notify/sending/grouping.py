"""Which deliveries to one person go out in one call: LINE counts calls, not what stands in them.

A group goes out under the id of its leader, and is written down before the call, so that a repeat
is the same call. What may have been sent is a call of its own already and joins none. Pure.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from services.notify.categories import CAMPAIGN
from services.notify.sending.deliveries import Delivery
from services.notify.sending.link_offers import LINK_OFFER

MOST_OBJECTS = 5
"""LINE's limit of message objects in one call."""

_objects = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Group(NamedTuple):
    """One call. The leader's messages are already those of all, in order, and its traces too."""

    leader: Delivery
    followers: tuple[Delivery, ...]


def may_join(delivery: Delivery, merging: Collection[str]) -> bool:
    """Whether it is of a category that is merged, surely has not been sent, and is complete as it
    stands."""
    return (
        delivery.category in merging
        and delivery.unknown_since is None
        and delivery.reply_tried_at is None
        and delivery.priority < CAMPAIGN
        and delivery.kind != LINK_OFFER
    )


def grouped(deliveries: Sequence[Delivery], merging: Collection[str]) -> list[Group]:
    """The calls for these deliveries, each person's in the order given; `merging` are the
    categories that go out with others."""
    calls: list[list[Delivery]] = []
    open_calls: dict[str, tuple[list[Delivery], int]] = {}  # which take so many objects more
    for delivery in deliveries:
        user = delivery.line_user_id
        if not may_join(delivery, merging):
            open_calls.pop(user, None)  # nothing overtakes it
            calls.append([delivery])
            continue
        size = len(_objects(delivery.messages))
        call, room = open_calls.get(user, ([], -1))
        if size > room:
            call, room = [], MOST_OBJECTS
            calls.append(call)
        call.append(delivery)
        open_calls[user] = (call, room - size)
    return [_led(call) for call in calls]


def _led(call: list[Delivery]) -> Group:
    """The leader is the most urgent, the first of them with a reply token if there is one."""
    if len(call) == 1:
        return Group(call[0], ())
    leader = min(call, key=lambda each: (each.priority, each.reply_token is None))
    objects = (each.messages.strip()[1:-1] for each in call)
    leader.messages = "[" + ",".join(filter(None, objects)) + "]"
    followers = tuple(each for each in call if each is not leader)
    traced = (each.traceparents for each in (leader, *followers))
    leader.traceparents = " ".join(filter(None, traced)) or None
    return Group(leader, followers)
