"""What an operator sees of the edge: its own counters, and the trace that goes on in the events."""

from datetime import timedelta

from prometheus_client import REGISTRY

from services.webhook import spool_watch
from shared import clock

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Counted:
    """How much counters grew since it was made."""

    def __init__(self) -> None:
        self._before = self._all()

    def grown(self) -> dict[tuple[str, ...], float]:
        """(name, label's value) → growth, of those of webhook that grew."""
        now = self._all()
        return {
            key: value - self._before.get(key, 0)
            for key, value in now.items()
            if value != self._before.get(key, 0)
        }

    @staticmethod
    def _all() -> dict[tuple[str, ...], float]:
        return {
            (sample.name.removeprefix("tamaru_webhook_"), *sample.labels.values()): sample.value
            for metric in REGISTRY.collect()
            for sample in metric.samples
            if sample.name.startswith("tamaru_webhook_") and sample.name.endswith("_total")
        }


async def test_what_is_accepted_and_refused_is_counted(edge) -> None:
    counted = Counted()
    assert (await edge.post(edge.purchase(), key="a")).status == 202
    assert (await edge.post(edge.purchase(total=5, tax=0), key="a")).status == 409
    assert (await edge.post(edge.purchase(), secret="wrong")).status == 401
    batch = [
        {**edge.purchase(), "idempotency_key": "1"},
        {**edge.purchase(), "idempotency_key": "2"},
        {**edge.purchase(store="nowhere"), "idempotency_key": "3"},
        {**edge.purchase(total=5, tax=0), "idempotency_key": "a"},
    ]
    assert (await edge.post(batch, path="/v1/purchases/batch")).status == 200
    body = {"events": [{"type": "follow"}, {"type": "message"}, {"type": "message"}, {"type": "?"}]}
    assert (await edge.line(body)).status == 200
    assert (await edge.line(body, signature="wrong")).status == 401
    assert counted.grown() == {
        ("purchases_total",): 3,
        ("refused_total", "idempotency-conflict"): 2,
        ("refused_total", "unauthenticated"): 1,
        ("refused_total", "invalid"): 1,
        ("refused_total", "wrong-signature"): 1,
        ("line_events_total", "follow"): 1,
        ("line_events_total", "message"): 2,
        ("line_events_total", "other"): 1,
    }


async def test_what_goes_to_the_spool_is_counted(edge) -> None:
    counted = Counted()
    edge.broker.cut()
    assert (await edge.post(edge.purchase())).status == 202
    assert counted.grown() == {
        ("purchases_total",): 1,
        ("spooled_total", "purchase.submitted.v1"): 1,
    }


async def test_a_requests_trace_goes_on_in_its_events(edge) -> None:
    traced = {"traceparent": TRACE}
    batch = [{**edge.purchase(), "idempotency_key": key} for key in ("1", "2")]
    await edge.post(edge.purchase(), headers=traced)
    await edge.post(batch, path="/v1/purchases/batch", headers=traced)
    await edge.post(edge.purchase(), headers={"traceparent": "nonsense"})
    events = await edge.publishes(4)
    assert [event.traceparent for event in events] == [TRACE, TRACE, TRACE, None]


async def test_a_webhooks_trace_goes_on_in_its_events(edge) -> None:
    await edge.line({"events": [{"type": "follow"}]}, traceparent=TRACE)
    [event] = await edge.publishes(1)
    assert event.traceparent == TRACE


async def test_what_waits_in_the_spool_is_seen_with_its_age(edge) -> None:
    edge.broker.cut()
    assert (await edge.post(edge.purchase())).status == 202
    try:
        clock.set_offset(timedelta(minutes=1))
        await spool_watch.look(edge.pool)
        assert REGISTRY.get_sample_value("tamaru_webhook_spool_events") == 1
        age = REGISTRY.get_sample_value("tamaru_webhook_spool_oldest_seconds")
        assert age is not None
        assert 60 <= age < 90
    finally:
        clock.set_offset(timedelta())
