"""What this service keeps for how long. A delivery that is not over is never deleted."""

from datetime import timedelta

from services.notify.store import deliveries as store
from services.notify.store import line_events as store_line_events
from services.notify.store import personal as store_personal
from shared import inbox
from shared.pruning import Rule

DELIVERIES_KEPT = timedelta(days=180)
"""The log of what was said, for half a year. The rows are also what lets an event be told once, so
this must be longer than an event can come again (`shared.inbox.KEPT`)."""

LINE_EVENTS_KEPT = timedelta(days=30)
"""Raw events are personal data: kept only as long as somebody may have to look into what LINE sent.
The rows also let an event that LINE repeats, which it does for some hours, take effect once."""

ERASURES_KEPT = inbox.KEPT
"""Longer than an event of before can still come."""

RULES = (
    Rule("deliveries", DELIVERIES_KEPT, store.PRUNE),
    Rule("erasures", ERASURES_KEPT, store_personal.PRUNE),
    Rule("line_events", LINE_EVENTS_KEPT, store_line_events.PRUNE),
)
