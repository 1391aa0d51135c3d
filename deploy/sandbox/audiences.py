"""Audiences of uploaded user ids, and the narrowcasts that went to them.

Owns that state. LINE's limits and words stand in `audience_api` and `narrowcast_api`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import count
from typing import Any

MOST_AUDIENCES = 1_000
MOST_MEMBERS = 1_500_000  # of one audience
MOST_JOBS = 50
MOST_NARROWCASTS = 1_000
REMEMBERED_RECIPIENTS = 20  # narrowcasts whose recipients are kept, for a redelivery


@dataclass(slots=True)
class Audience:
    audience_id: int
    description: str
    created: float
    members: set[str] = field(default_factory=set)
    jobs: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Narrowcast:
    """One accepted narrowcast; `error` is LINE's code when it failed. Times are seconds."""

    accepted: float
    reached: int
    error: int | None = None
    words: str = ""


class Audiences:
    def __init__(self) -> None:
        self.known: dict[int, Audience] = {}
        self.narrowcasts: OrderedDict[str, Narrowcast] = OrderedDict()
        self.recipients: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._ids = count(1_000_000_000_001)
        self._job_ids = count(10_000_001)

    def add(self, description: str, at: float) -> Audience:
        audience = Audience(next(self._ids), description, at)
        self.known[audience.audience_id] = audience
        return audience

    def upload(self, audience: Audience, user_ids: list[str], words: str, at: float) -> None:
        """Put users in; one job for each upload, the latest are kept."""
        audience.members.update(user_ids)
        job = {
            "audienceGroupJobId": next(self._job_ids),
            "audienceGroupId": audience.audience_id,
            "description": words,
            "type": "DIFF_ADD",
            "jobStatus": "FINISHED",
            "audienceCount": len(user_ids),
            "created": int(at),
        }
        audience.jobs = [*audience.jobs, job][-MOST_JOBS:]

    def record(self, request_id: str, narrowcast: Narrowcast, recipients: list[str]) -> None:
        self.narrowcasts[request_id] = narrowcast
        self.recipients[request_id] = frozenset(recipients)
        if len(self.narrowcasts) > MOST_NARROWCASTS:
            self.narrowcasts.popitem(last=False)
        if len(self.recipients) > REMEMBERED_RECIPIENTS:
            self.recipients.popitem(last=False)

    def clear(self) -> None:
        for store in (self.known, self.narrowcasts, self.recipients):
            store.clear()
