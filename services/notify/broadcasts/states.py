"""A broadcast's life: its states, which act leads where, and when growth is too much. Pure.

    draft → counting → ready → scheduled → recounting → sending → sent
                         └──────────────────────↑        ⇅
                                                       paused       (cancelled: from any but sent)

What is confirmed for now is sent to those who were counted, while the count is fresh; what is
confirmed for later, or on an old count, is computed anew first.
"""

from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    """Where a broadcast is."""

    DRAFT = "draft"
    COUNTING = "counting"
    READY = "ready"
    """Counted; waits for the owner's word."""
    SCHEDULED = "scheduled"
    RECOUNTING = "recounting"
    """Confirmed, and computed anew before it goes out."""
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


class Act(StrEnum):
    """What an owner, or the process, does to a broadcast. The words of `broadcast_acts`."""

    CREATE = "create"
    CHANGE = "change"
    COUNT = "count"
    COUNTED = "counted"
    REFUSED = "refused"
    CONFIRM = "confirm"
    DUE = "due"
    START = "start"
    GROWN = "grown"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    FINISH = "finish"


FRESH = timedelta(minutes=15)
"""How old a count may be when it is acted on; an older one is computed anew."""

EDITABLE = frozenset({State.DRAFT, State.COUNTING, State.READY, State.SCHEDULED})

ALLOWED: dict[Act, frozenset[State]] = {
    Act.CHANGE: EDITABLE,
    Act.COUNT: frozenset({State.DRAFT, State.COUNTING, State.READY}),
    Act.CONFIRM: frozenset({State.READY}),
    Act.DUE: frozenset({State.SCHEDULED}),
    Act.COUNTED: frozenset({State.COUNTING, State.RECOUNTING}),
    Act.REFUSED: frozenset({State.COUNTING, State.RECOUNTING}),
    Act.PAUSE: frozenset({State.RECOUNTING, State.SENDING}),
    Act.RESUME: frozenset({State.PAUSED}),
    Act.CANCEL: frozenset(State) - {State.SENT, State.CANCELLED},
    Act.FINISH: frozenset({State.SENDING}),
}
"""From which states each act is possible."""

ADVICE: dict[Act, str] = {
    Act.CHANGE: "Only what is not being sent yet can be changed. Cancel it and create another.",
    Act.COUNT: "It is confirmed already; it is counted anew at its time.",
    Act.CONFIRM: "Count it first (POST …/count), look at the numbers, then confirm them.",
    Act.PAUSE: "Only what is being sent can be paused. Cancel it if it must not start.",
    Act.RESUME: "It is not paused.",
    Act.CANCEL: "It is over already; its report says who got it.",
}
"""What to do instead, for an act that a state does not allow."""


def allows(state: State, act: Act) -> bool:
    """Whether the act is possible in this state."""
    return state in ALLOWED[act]


def after_confirming(at: datetime | None, counted_at: datetime, now: datetime) -> State:
    """Where a confirmed broadcast goes; `at` is when it is to go out (None: now)."""
    if at is not None and at > now:
        return State.SCHEDULED
    return State.SENDING if fresh(counted_at, now) else State.RECOUNTING


def fresh(counted_at: datetime | None, now: datetime) -> bool:
    """Whether a count of that moment may still be acted on."""
    return counted_at is not None and now - counted_at <= FRESH


def grew_too_much(confirmed: int, now_counted: int, limit_percent: int) -> bool:
    """Whether there are more recipients than confirmed by more than the limit (in per cent)."""
    return (now_counted - confirmed) * 100 > confirmed * limit_percent
