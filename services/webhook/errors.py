"""What can go wrong at the edge.

WebhookError
├── NotKept           the database did not take it in time; the broker may still
├── NotAccepted       neither the broker nor the database took it → 503 and Retry-After
└── NotAWebhook       a signed body that is no JSON object with an `events` list → 400

What a client did wrong is a `shared.problems.Problem` where it is found.
"""


class WebhookError(Exception):
    """The root of this service's errors."""


class NotKept(WebhookError):
    """The database did not say in time that it has it."""


class NotAccepted(WebhookError):
    """Nothing durable could be reached; the sender must send it again."""


class NotAWebhook(WebhookError):
    """The text says what is missing."""
