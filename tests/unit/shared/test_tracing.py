"""What tracing does to events and errors, with a tracer made up for it."""

from typing import Any

import pytest

from shared import spans, tracing
from shared.events import Event, ScheduleCancelled, new_event
from shared.spans import _read, _written

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


class Made:
    """A span that remembers."""

    def __init__(self, name: str, traceparent: str) -> None:
        self.name, self.traceparent = name, traceparent
        self.links: list[str] = []
        self.failed: str | None = None
        self.ended = 0

    def fail(self, what: str) -> None:
        self.failed = what

    def end(self) -> None:
        self.ended += 1


class Tracer:
    """Keeps what it made."""

    def __init__(self) -> None:
        self.made: list[Made] = []

    def _make(self, name: str, traceparent: str) -> Made:
        self.made.append(Made(name, traceparent))
        return self.made[-1]

    def begin(
        self, name: str, kind: str, parent: str | None, attributes: Any, links: Any = ()
    ) -> Made:
        made = self._make(name, f"below {parent}")
        made.links = list(links)
        return made

    def begin_batch(self, queue: str, parents: list[str], size: int) -> Made:
        return self._make(f"batch of {size}, {len(parents)} traced", "batch")

    def begin_event(self, queue: str, event: Event[Any], batch: Made) -> Made:
        return self._make("event", f"event below {event.traceparent}")

    samples = staticmethod(spans.Tracer.samples)

    def close(self) -> None:
        pass


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> Tracer:
    made = Tracer()
    monkeypatch.setattr(tracing, "_tracer", made)
    return made


def event(traceparent: str | None = PARENT) -> Event[ScheduleCancelled]:
    made = new_event("/test", ScheduleCancelled(key="a"))
    made.traceparent = traceparent
    return made


def test_off_it_leaves_everything_alone() -> None:
    one = event()
    with tracing.span("a", "server", PARENT) as span, tracing.handling("queue", [one]):
        assert (span, tracing.current(), one.traceparent) == (None, None, PARENT)
    with tracing.joint("a", "internal", [PARENT], {}) as made:
        assert (len(made), tracing.current()) == (0, None)
    assert tracing.worth_keeping(PARENT) is None


def test_what_handlers_emit_goes_on_from_the_events_own_span(tracer: Tracer) -> None:
    traced, other = event(), event(None)
    with tracing.handling("queue", [traced, other]):
        emitted = new_event("/test", ScheduleCancelled(key="b"), cause=traced)
    assert emitted.traceparent == f"event below {PARENT}"
    assert other.traceparent is None
    assert [each.name for each in tracer.made] == ["batch of 2, 1 traced", "event"]
    assert {each.ended for each in tracer.made} == {1}


def test_a_batch_that_fails_is_tried_again_from_where_it_was(tracer: Tracer) -> None:
    one = event()
    with pytest.raises(ValueError, match="secret"), tracing.handling("queue", [one]):
        raise ValueError("a secret of somebody")
    assert one.traceparent == PARENT
    assert {each.failed for each in tracer.made} == {"ValueError"}
    assert {each.ended for each in tracer.made} == {1}


def test_a_batch_without_traces_makes_no_spans(tracer: Tracer) -> None:
    with tracing.handling("queue", [event(None)]):
        pass
    assert tracer.made == []


def test_spans_are_below_each_other_and_an_error_is_noted_by_its_name(tracer: Tracer) -> None:
    with pytest.raises(ValueError), tracing.span("a", "server", PARENT):
        with tracing.span("b", "client"):
            assert tracing.current() == f"below below {PARENT}"
        raise ValueError("a secret of somebody")
    assert tracing.current() is None
    assert [each.failed for each in tracer.made] == ["ValueError", None]


def test_what_is_done_for_several_traces_is_in_each_and_goes_on_in_the_first(
    tracer: Tracer,
) -> None:
    with pytest.raises(ValueError), tracing.joint("a", "internal", [PARENT, OTHER], {}) as made:
        assert tracing.current() == f"below {PARENT}"
        raise ValueError("a secret of somebody")
    assert tracing.current() is None
    assert [each.traceparent for each in made] == [f"below {PARENT}", f"below {OTHER}"]
    assert [each.links for each in tracer.made] == [[OTHER], [f"below {PARENT}"]]
    assert [(each.failed, each.ended) for each in tracer.made] == [("ValueError", 1)] * 2


@pytest.mark.parametrize("text", [None, "", "nonsense", PARENT[:-2] + "00"])
def test_what_is_not_sampled_is_not_worth_keeping(tracer: Tracer, text: str | None) -> None:
    assert tracing.worth_keeping(PARENT) == PARENT
    assert tracing.worth_keeping(text) is None


@pytest.mark.parametrize("text", ["", None, "00-1-2", "00-x-y-01", "00-" + "0" * 32 + "-1-01"])
def test_what_is_no_traceparent_is_no_parent(text: str | None) -> None:
    assert _read(text) is None


def test_a_traceparent_is_read_and_written_alike() -> None:
    context = _read(PARENT)
    assert context is not None
    assert _written(context) == PARENT
