"""The topology and the list of contracts agree with each other."""

from shared.bus.topology import RETRY_SECONDS, SUBSCRIPTIONS, Names
from shared.events import CONTRACTS


def test_every_subscription_is_to_a_contract_and_none_twice():
    for purpose, types in SUBSCRIPTIONS.items():
        assert set(types) <= set(CONTRACTS), purpose
        assert len(set(types)) == len(types), purpose
        assert purpose.split(".")[0] in {"webhook", "points", "notify", "scheduler"}


def test_requests_have_exactly_one_reader():
    for request in ("schedule.requested.v1", "schedule.cancelled.v1", "chat.data_requested.v1"):
        assert sum(request in types for types in SUBSCRIPTIONS.values()) == 1


def test_delays_grow():
    assert list(RETRY_SECONDS) == sorted(set(RETRY_SECONDS))


def test_names_are_kept_apart_by_their_namespace():
    names = Names("shop")
    assert names.queue("points.awards") == "shop.points.awards"
    assert names.purpose("shop.points.awards") == "points.awards"
    assert (names.events, names.dead, names.retry(5)) == (
        "shop.events",
        "shop.dead",
        "shop.retry.5s",
    )
