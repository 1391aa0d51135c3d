"""The only module that knows OpenTelemetry; imported where traces are wanted, and nowhere else."""

import os
from collections.abc import Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace import Span as OtelSpan

from shared.events import Event
from shared.tracing import Attributes, Kind

MOST_LINKS = 128
"""OpenTelemetry's own limit; a larger batch names the first of its events."""

_KINDS: dict[Kind, SpanKind] = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}


class Span:
    """A span under way. It is no context manager: a batch has hundreds at the same time."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        self.context = span.get_span_context()
        self.traceparent = _written(self.context)

    def note(self, **attributes: str | int | float | bool | None) -> None:
        """Say more of it; what is None is left out. Underscores become dots."""
        for name, value in attributes.items():
            if value is not None:
                self._span.set_attribute(name.replace("__", "."), value)

    def fail(self, what: str) -> None:
        """It went wrong."""
        self._span.set_status(Status(StatusCode.ERROR, what))

    def end(self) -> None:
        """It is over."""
        self._span.end()


class Tracer:
    """Makes a process's spans and sends them. The SDK reads its own settings (OTEL_…)."""

    def __init__(self, process: str) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME") or process
        resource = Resource.create({"service.name": name, "service.namespace": "tamaru"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("tamaru")

    def begin(
        self,
        name: str,
        kind: Kind,
        parent: str | None,
        attributes: Attributes,
        links: Sequence[str] = (),
    ) -> Span:
        """A span below `parent`, or the first of a new trace, with links to others."""
        made = self._tracer.start_span(
            name,
            _below(_read(parent)),
            kind=_KINDS[kind],
            links=_links(links),
            attributes=dict(attributes),
        )
        return Span(made)

    def begin_batch(self, queue: str, parents: Sequence[str], size: int) -> Span:
        """A batch belongs to no one trace: it has its own and links to its events'."""
        made = self._tracer.start_span(
            f"consume {queue}",
            Context(),
            kind=SpanKind.CONSUMER,
            links=_links(parents),
            attributes={
                "messaging.system": "rabbitmq",
                "messaging.destination.name": queue,
                "messaging.batch.message_count": size,
            },
        )
        return Span(made)

    def begin_event(self, queue: str, event: Event[Any], batch: Span) -> Span:
        """An event's part of a batch, in the event's own trace."""
        made = self._tracer.start_span(
            f"process {queue}",
            _below(_read(event.traceparent)),
            kind=SpanKind.CONSUMER,
            links=[Link(batch.context)],
            attributes={
                "messaging.system": "rabbitmq",
                "messaging.destination.name": queue,
                "messaging.message.id": str(event.id),
                "tamaru.event.type": event.type,
            },
        )
        return Span(made)

    @staticmethod
    def samples(traceparent: str) -> bool:
        """Whether spans of this trace are sent."""
        context = _read(traceparent)
        return context is not None and context.trace_flags.sampled

    def close(self) -> None:
        """Send what is left and stop."""
        self._provider.shutdown()


def _below(parent: SpanContext | None) -> Context:
    context = Context()  # never the thread's own: parents are always named
    return trace.set_span_in_context(NonRecordingSpan(parent), context) if parent else context


def _links(traceparents: Sequence[str]) -> list[Link]:
    return [Link(context) for each in traceparents[:MOST_LINKS] if (context := _read(each))]


def _read(traceparent: str | None) -> SpanContext | None:
    """The context that a well-formed traceparent names; None for anything else."""
    parts = (traceparent or "").split("-")
    if len(parts) < 4:
        return None
    try:
        trace_id, span_id, flags = (int(part, 16) for part in parts[1:4])
    except ValueError:
        return None
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(flags))
    return context if context.is_valid else None


def _written(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
