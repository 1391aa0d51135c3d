"""What this service keeps for how long. Items and schedules are never deleted by age."""

from datetime import timedelta

from services.scheduler.store import acts, items, schedules
from shared import inbox
from shared.pruning import Rule
from shared.web import acting, sessions

TICKS_KEPT = timedelta(days=92)
"""`checked_until` already keeps a moment from firing again; the row still does when a clock was set
back, or somebody reset a schedule by hand, by up to a quarter of a year."""

WORDS_KEPT = inbox.KEPT + timedelta(days=1)
"""An older word about a key can arrive for as long as an event can; then it would be taken for
news."""

HAND_OVERS_KEPT = timedelta(days=92)
"""Counts by the hour, for who asks what was late."""

ACTS_KEPT = timedelta(days=730)
"""Who paused or ran what, for two years."""

REQUESTS_KEPT = timedelta(days=30)
"""Longer than anybody repeats a call."""

RULES = (
    Rule("inbox", inbox.KEPT, inbox.PRUNE),
    Rule("ticks", TICKS_KEPT, schedules.PRUNE_TICKS),
    Rule("latest_words", WORDS_KEPT, items.PRUNE_WORDS),
    Rule("hand_overs", HAND_OVERS_KEPT, items.PRUNE_HAND_OVERS),
    Rule("ended_sessions", sessions.KEPT, sessions.PRUNE),
    Rule("acts", ACTS_KEPT, acts.PRUNE),
    Rule("requests", REQUESTS_KEPT, acting.PRUNE_REQUESTS),
)
