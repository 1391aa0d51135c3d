"""The one list of event contracts. Facts are in the past tense, requests imperative.

A wire name carries its version (`points.earned.v1`). Within a version fields are only added, with a
default; golden files under `tests/contracts/golden/` hold that. What a field means stands here.
Points and money are integers (money in minor units of the program's currency), times are aware.
"""

from shared.events.chat import ChatDataProvided, ChatDataRequested, Explained, MissingToNext
from shared.events.contract import CONTRACTS, Event, contract, name_of, new_event
from shared.events.line import LineEventReceived
from shared.events.members import MemberJoined, MemberReturned, RankChanged
from shared.events.points import PointsAdjusted, PointsEarned
from shared.events.purchases import (
    Discount,
    Line,
    MemberRef,
    Payment,
    PointsOfPurchase,
    Purchase,
    PurchaseAnswer,
    PurchaseRejected,
    PurchaseSubmitted,
)
from shared.events.schedule import ScheduleCancelled, ScheduleRequested, ScheduleTicked
from shared.events.shop import ProgramPublished, StoreChanged, TerminalChanged

__all__ = [
    "CONTRACTS",
    "ChatDataProvided",
    "ChatDataRequested",
    "Discount",
    "Event",
    "Explained",
    "Line",
    "LineEventReceived",
    "MemberJoined",
    "MemberRef",
    "MemberReturned",
    "MissingToNext",
    "Payment",
    "PointsAdjusted",
    "PointsEarned",
    "PointsOfPurchase",
    "ProgramPublished",
    "Purchase",
    "PurchaseAnswer",
    "PurchaseRejected",
    "PurchaseSubmitted",
    "RankChanged",
    "ScheduleCancelled",
    "ScheduleRequested",
    "ScheduleTicked",
    "StoreChanged",
    "TerminalChanged",
    "contract",
    "name_of",
    "new_event",
]
