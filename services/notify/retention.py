"""What this service keeps for how long. A delivery that is not over is never deleted."""

from datetime import timedelta

from services.notify.store import broadcast_people as store_people
from services.notify.store import broadcasts as store_broadcasts
from services.notify.store import deliveries as store
from services.notify.store import insights as store_insights
from services.notify.store import line_events as store_line_events
from services.notify.store import links as store_links
from services.notify.store import menu_links as store_menu_links
from services.notify.store import menus as store_menus
from services.notify.store import personal as store_personal
from services.notify.store import previews as store_previews
from services.notify.store import quota as store_quota
from services.notify.store import quota_slices
from shared import inbox
from shared.pruning import Rule
from shared.web import acting, sessions

DELIVERIES_KEPT = timedelta(days=180)
"""The log of what was said, for half a year. The rows are also what lets an event be told once, so
this must be longer than an event can come again (`shared.inbox.KEPT`)."""

LINE_EVENTS_KEPT = timedelta(days=30)
"""Raw events are personal data: kept only as long as somebody may have to look into what LINE sent.
The rows also let an event that LINE repeats, which it does for some hours, take effect once."""

ERASURES_KEPT = inbox.KEPT
"""Longer than an event of before can still come."""

CLICKS_KEPT = timedelta(days=800)
"""Two years and a little: enough to compare a season with the last but one. Links stay for good: a
message may be tapped years later, and a poster hangs as long as it hangs."""

INSIGHT_QUESTIONS_KEPT = timedelta(days=60)
"""Far longer than LINE is asked about a day or a broadcast."""

CLICK_BATCHES_KEPT = timedelta(days=1)
"""Longer than a process goes on trying to write the same batch down."""

REQUESTS_KEPT = timedelta(days=30)
"""Longer than anybody repeats a call."""

QUOTA_KEPT = timedelta(days=800)
"""What was sent and cost, by day and cause: two years and a little, as for clicks."""

SLICES_KEPT = timedelta(days=7)
"""What processes hold of the quota is over within minutes; this is for what nobody settled."""

PREVIEWS_KEPT = timedelta(hours=1)
"""Somebody's data that a preview did not fetch in time."""

BROADCASTS_KEPT = timedelta(days=400)
"""With their texts, calls and acts: last year's sale can be looked up when this year's is made."""

SEGMENTS_KEPT = timedelta(days=7)
"""People of a count that nobody confirmed, and what came in twice: personal data."""

LOOKS_KEPT = timedelta(days=90)
"""What was found to differ at LINE, for whoever asks why a menu changed."""

FORGOTTEN_KEPT = timedelta(days=7)
"""Erased people whose menu LINE was to take back: kept no longer, whether it did or not."""

RULES = (
    Rule("broadcasts", BROADCASTS_KEPT, store_broadcasts.PRUNE),
    Rule("broadcast_pages", SEGMENTS_KEPT, store_people.PRUNE_PAGES),
    Rule("broadcast_people", SEGMENTS_KEPT, store_people.PRUNE_PEOPLE),
    Rule("ended_sessions", sessions.KEPT, sessions.PRUNE),
    Rule("previews", PREVIEWS_KEPT, store_previews.PRUNE),
    Rule("click_batches", CLICK_BATCHES_KEPT, store_links.PRUNE_BATCHES),
    Rule("link_clicks", CLICKS_KEPT, store_links.PRUNE_CLICKS),
    Rule("insight_questions", INSIGHT_QUESTIONS_KEPT, store_insights.PRUNE_QUESTIONS),
    Rule("insight_days", CLICKS_KEPT, store_insights.PRUNE_DAYS),
    Rule("insight_units", CLICKS_KEPT, store_insights.PRUNE_UNITS),
    Rule("deliveries", DELIVERIES_KEPT, store.PRUNE),
    Rule("erasures", ERASURES_KEPT, store_personal.PRUNE),
    Rule("requests", REQUESTS_KEPT, acting.PRUNE_REQUESTS),
    Rule("quota_sent", QUOTA_KEPT, store_quota.PRUNE),
    Rule("quota_slices", SLICES_KEPT, quota_slices.PRUNE),
    Rule("line_events", LINE_EVENTS_KEPT, store_line_events.PRUNE),
    Rule("menu_links", FORGOTTEN_KEPT, store_menu_links.PRUNE_FORGOTTEN),
    Rule("menu_looks", LOOKS_KEPT, store_menus.PRUNE_LOOKS),
)
