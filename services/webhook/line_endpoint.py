"""`POST /line/webhook`: what LINE sends, accepted raw and answered fast.

A correctly signed body with an `events` list is always 200, whatever is in it.
"""

from starlette.requests import Request
from starlette.responses import Response

from services.webhook import counters, line_events, signature
from services.webhook.errors import NotAccepted, NotAWebhook
from services.webhook.ingress import headers_of, ingress_of, read_body
from services.webhook.messages import Encoded
from services.webhook.tracing import traceparent
from shared import clock, envelope
from shared.problems import Problem, malformed, unavailable

MOST_BYTES = 1_000_000


async def receive_webhook(request: Request) -> Response:
    """Check the signature over the raw bytes, take the body apart, accept each event."""
    ingress, headers = ingress_of(request), headers_of(request)
    body = await read_body(request, headers, MOST_BYTES)
    signed = headers.get(b"x-line-signature")
    if not any(signature.is_signed(each, body, signed) for each in ingress.channel_secrets.all):
        raise Problem(
            401,
            "wrong-signature",
            "`x-line-signature` must be the base64 of HMAC-SHA256 over the raw body by the channel "
            "secret. Check that the secret is that of the channel.",
        )
    try:
        events = line_events.split(body, clock.now())
    except NotAWebhook as problem:
        raise malformed(str(problem)) from None
    if events:
        trace = traceparent(headers)
        for event in events:
            event.traceparent = trace
        try:
            await ingress.intake.accept(
                [Encoded(event.type, envelope.encode(event)) for event in events]
            )
        except NotAccepted:
            raise unavailable("Nothing durable can be reached now; deliver this again.") from None
        counters.line_events_accepted([event.data.kind for event in events])
    return Response(b"{}", media_type="application/json")
