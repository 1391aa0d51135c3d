"""What this service keeps for how long. What is not listed here is never deleted: the ledger, and
`requests`, which is the authority on what a key has already named."""

from datetime import timedelta

from services.points.members import exporting
from services.points.routes import attribution
from services.points.staff import audit, lockout
from services.points.staff import sessions as staff_sessions
from services.points.store import audit as audit_store
from services.points.store import (
    counter_acts,
    expiry_warnings,
    exports,
    hook_deliveries,
    imports,
    ledger_checks,
    links,
    members,
    nights,
    qr_uses,
    rank_runs,
    routes,
    segment_requests,
    staff,
    staff_invitations,
    takeouts,
)
from services.points.store import staff_sessions as session_store
from shared import inbox, months
from shared.pruning import Rule
from shared.web import sessions as ended

CODES_KEPT = inbox.KEPT
"""A code is bound to its till for minutes; a purchase that shows it may lie dead for much longer
before it is replayed, and must not then be the first to use the code."""

DEPARTURES_KEPT = inbox.KEPT
"""A follow that comes later than this after its unfollow is a new one."""

RUNS_KEPT = inbox.KEPT
"""The id of a run is its event's: the row is what lets a repeated event start it once."""

HOOKS_KEPT = timedelta(days=30)
"""What was told to the owner's other systems, with the log of it; docs/webhooks-out.md says so."""

LINKS_KEPT = timedelta(hours=2)
"""Codes and nonces after their end, and wrong tries: more than the hour that tries are counted."""

WARNINGS_KEPT = timedelta(days=7)
"""After the points they warned of have expired: more than any clock is wrong."""

EXPORTS_KEPT = exporting.KEPT

STREAMS_KEPT = inbox.KEPT
"""The row is what lets a repeated request be streamed once."""

ACTS_KEPT = timedelta(days=400)
"""What was done at the counter, so that a month can be compared with last year's; what it did to
points stands in the ledger."""

IMPORTS_KEPT = timedelta(days=30)
"""What the rows of an import held, after its last step: long enough to look at what was left out.
What it did to whom stays, as the entries name it."""

UPLOADS_KEPT = timedelta(days=1)
"""Parts of files that nobody finished sending."""

TAKEOUTS_KEPT = timedelta(days=7)
"""A copy of everything is everybody's personal data."""

MONTH = timedelta(days=31)
"""What a log is kept for besides, until its month is over and goes as a whole; what has none, from
before there were months, goes row by row at last."""

BY_MONTH = (months.Log("audit_log", "at", audit.KEPT),)

RULES = (
    Rule("inbox", inbox.KEPT, inbox.PRUNE),
    Rule("qr_uses", CODES_KEPT, qr_uses.PRUNE),
    Rule("departures", DEPARTURES_KEPT, members.PRUNE_DEPARTURES),
    Rule("rank_runs", RUNS_KEPT, rank_runs.PRUNE),
    Rule("nights", RUNS_KEPT, nights.PRUNE),
    Rule("ledger_checks", RUNS_KEPT, ledger_checks.PRUNE),
    Rule("expiry_warnings", WARNINGS_KEPT, expiry_warnings.PRUNE),
    Rule("link_codes", LINKS_KEPT, links.PRUNE_CODES),
    Rule("link_nonces", LINKS_KEPT, links.PRUNE_NONCES),
    Rule("link_attempts", LINKS_KEPT, links.PRUNE_ATTEMPTS),
    Rule("hook_messages", HOOKS_KEPT, hook_deliveries.PRUNE),
    Rule("segment_requests", STREAMS_KEPT, segment_requests.PRUNE),
    Rule("route_visits", attribution.REMEMBERED, routes.PRUNE_VISITS),
    Rule("staff_attempts", lockout.REMEMBERED, staff.PRUNE_ATTEMPTS),
    Rule("staff_sessions", staff_sessions.KEPT, session_store.PRUNE),
    Rule("staff_invitations", staff_sessions.KEPT, staff_invitations.PRUNE),
    Rule("ended_sessions", ended.KEPT, ended.PRUNE),
    Rule("audit_log", audit.KEPT + MONTH, audit_store.PRUNE),
    Rule("counter_acts", ACTS_KEPT, counter_acts.PRUNE),
    Rule("member_exports", EXPORTS_KEPT, exports.PRUNE),
    Rule("import_contents", IMPORTS_KEPT, imports.PRUNE_CONTENTS),
    Rule("import_chunks", UPLOADS_KEPT, imports.PRUNE_CHUNKS),
    Rule("takeouts", TAKEOUTS_KEPT, takeouts.PRUNE),
)
