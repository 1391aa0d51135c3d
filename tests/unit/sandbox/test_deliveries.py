from msgspec import Raw

from deploy.sandbox.deliveries import OVERHEAD_BYTES, Deliveries, Delivery


def add(deliveries: Deliveries, to: str, text: str = "[]") -> None:
    delivery = Delivery("push", Raw(text.encode()), 1.0, None, to)
    deliveries.add(delivery, text, monotonic_ns=1)


def texts(deliveries: Deliveries, user: str) -> list[str]:
    return [bytes(delivery.messages).decode() for delivery in deliveries.received(user)]


def test_a_history_keeps_the_newest() -> None:
    deliveries = Deliveries(user_history=2)
    for text in "abc":
        add(deliveries, "U1", text)
    assert texts(deliveries, "U1") == ["b", "c"]
    assert deliveries.total == 3


def test_all_histories_share_a_bound_in_bytes() -> None:
    deliveries = Deliveries(history_bytes=2 * (OVERHEAD_BYTES + 1))
    for user, text in (("U1", "a"), ("U2", "b"), ("U1", "c")):
        add(deliveries, user, text)
    assert (texts(deliveries, "U1"), texts(deliveries, "U2")) == (["c"], ["b"])


def test_the_ring_is_read_by_cursor_and_wraps() -> None:
    deliveries = Deliveries(ring_size=4)
    for number in range(1, 11):
        add(deliveries, f"U{number}")
    assert [landing.cursor for landing in deliveries.landings(0, 100)] == [7, 8, 9, 10]
    assert [landing.user for landing in deliveries.landings(8, 1)] == ["U9"]
    assert deliveries.landings(10, 100) == []


def test_the_timeline_has_both_sides_in_order() -> None:
    deliveries = Deliveries()
    add(deliveries, "U1", "a")
    deliveries.do("U1", "say", "b", 1.0)
    add(deliveries, "U1", "c")
    assert [item.number for item in deliveries.timeline("U1", 0)] == [1, 2, 3]
    assert [item.number for item in deliveries.timeline("U1", 2)] == [3]
