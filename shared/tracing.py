"""Traces: one from a till's POST over the bus to LINE's answer, where OTEL_EXPORTER_OTLP_ENDPOINT
names a collector. Without it nothing here is imported, made or measured.

What a trace goes on by is the event's `traceparent` (W3C Trace Context): whoever handles an event
gets a span in that event's trace, and what it emits goes on from there
(docs/decisions/0025-traces-in-batches.md). Nothing in a span names a person.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from shared.events import Event

if TYPE_CHECKING:
    from shared.spans import Span, Tracer

Kind = Literal["server", "client", "producer", "consumer", "internal"]
Attributes = Mapping[str, str | int | float | bool]

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
MOST_REMEMBERED = 20_000

_tracer: "Tracer | None" = None
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)
_remembered: OrderedDict[UUID, str] = OrderedDict()
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
    token = _current.set(made.traceparent)
    try:
        yield made
    except BaseException as error:
        made.fail(type(error).__name__)  # its text may quote what is nobody's business
        raise
    finally:
        _current.reset(token)
        made.end()


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


def remember(id: UUID, traceparent: str | None) -> None:
    """Which trace a thing belongs to that leaves this process's hands for a while."""
    if _tracer is not None and traceparent is not None:
        _remembered[id] = traceparent
        if len(_remembered) > MOST_REMEMBERED:
            _remembered.popitem(last=False)


def recall(id: UUID) -> str | None:
    """The trace of such a thing, if this process knew it and still does."""
    return _remembered.get(id) if _tracer is not None else None
