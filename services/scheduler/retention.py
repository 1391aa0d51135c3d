"""What this service keeps for how long. Items and schedules are never deleted by age."""

from datetime import timedelta

from services.scheduler import store
from shared import inbox
from shared.pruning import Rule

TICKS_KEPT = timedelta(days=92)
"""`checked_until` already keeps a moment from firing again; the row still does when a clock was set
back, or somebody reset a schedule by hand, by up to a quarter of a year."""

WORDS_KEPT = inbox.KEPT + timedelta(days=1)
"""An older word about a key can arrive for as long as an event can; then it would be taken for
news."""

RULES = (
    Rule("inbox", inbox.KEPT, inbox.PRUNE),
    Rule("ticks", TICKS_KEPT, store.PRUNE_TICKS),
    Rule("latest_words", WORDS_KEPT, store.PRUNE_WORDS),
)
