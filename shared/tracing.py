"""Traces: one from a till's POST over the bus to LINE's answer, where OTEL_EXPORTER_OTLP_ENDPOINT
names a collector. Without it nothing here is imported, made or measured.

What a trace goes on by is the event's `traceparent` (W3C Trace Context): whoever handles an event
gets a span in that event's trace, and what it emits goes on from there
(docs/decisions/0025-traces-in-batches.md). Nothing in a span names a person.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

from shared.events import Event

if TYPE_CHECKING:
    from shared.spans import Span, Tracer

Kind = Literal["server", "client", "producer", "consumer", "internal"]
Attributes = Mapping[str, str | int | float | bool]

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_tracer: "Tracer | None" = None
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)
_NOTHING: AbstractContextManager[None] = nullcontext()


def start(process: str) -> None:
    """Trace this process if the environment names a collector."""
    global _tracer
    wanted = any(os.environ.get(name) for name in ENDPOINTS)
    if wanted and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true":
        from shared.spans import Tracer  # noqa: PLC0415 - a tenth of a second that others are spared

        _tracer = Tracer(process)


def stop() -> None:
    """Send what is left; takes a few seconds at most."""
    global _tracer
    tracer, _tracer = _tracer, None
    if tracer is not None:
        tracer.close()


def on() -> bool:
    """Whether spans are made."""
    return _tracer is not None


def current() -> str | None:
    """The traceparent of the span that this code runs in."""
    return _current.get()


@contextmanager
def span(
    name: str, kind: Kind, parent: str | None = None, attributes: Attributes | None = None
) -> Iterator["Span | None"]:
    """A span around what is done inside, below `parent` or else below the current one; None where
    nothing is traced. An error inside is noted and goes on."""
    if _tracer is None:
        yield None
        return
    made = _tracer.begin(name, kind, parent or _current.get(), attributes or {})
    with _inside([made]):
        yield made


@contextmanager
def joint(
    name: str, kind: Kind, parents: Sequence[str], attributes: Attributes
) -> Iterator[Sequence["Span"]]:
    """A span in each of these traces around what is done for all of them at once. What is below
    goes on in the first; that and the others link to each other. None where nothing is traced."""
    if _tracer is None:
        yield ()
        return
    first = _tracer.begin(name, kind, parents[0], attributes, parents[1:])
    to_first = [first.traceparent]
    others = (_tracer.begin(name, kind, each, attributes, to_first) for each in parents[1:])
    made = (first, *others)
    with _inside(made):
        yield made


@contextmanager
def _inside(made: Sequence["Span"]) -> Iterator[None]:
    token = _current.set(made[0].traceparent)
    try:
        yield
    except BaseException as error:
        for each in made:
            each.fail(type(error).__name__)  # its text may quote what is nobody's business
        raise
    finally:
        _current.reset(token)
        for each in made:
            each.end()


def handling(queue: str, events: Sequence[Event[Any]]) -> AbstractContextManager[None]:
    """Around a batch: a span for it, and one for each event in the event's own trace, from which
    what the handlers emit goes on."""
    if _tracer is None:
        return _NOTHING
    return _handling(_tracer, queue, events)


@contextmanager
def _handling(tracer: "Tracer", queue: str, events: Sequence[Event[Any]]) -> Iterator[None]:
    traced = [event for event in events if event.traceparent]
    if not traced:
        yield
        return
    before = [event.traceparent for event in traced]
    batch = tracer.begin_batch(queue, [each for each in before if each], len(events))
    spans = [tracer.begin_event(queue, event, batch) for event in traced]
    for event, made in zip(traced, spans, strict=True):
        event.traceparent = made.traceparent
    try:
        yield
    except BaseException as error:
        for event, made, parent in zip(traced, spans, before, strict=True):
            made.fail(type(error).__name__)
            event.traceparent = parent  # it is tried again, from where it was
        batch.fail(type(error).__name__)
        raise
    finally:
        for made in (*spans, batch):
            made.end()


def worth_keeping(traceparent: str | None) -> str | None:
    """What to store with a thing whose trace is to go on when somebody takes it up; None where no
    span would come of it."""
    if _tracer is None or traceparent is None:
        return None
    return traceparent if _tracer.samples(traceparent) else None
