"""The one list of event contracts. Facts are in the past tense, requests imperative.

A wire name carries its version (`points.earned.v1`). Within a version fields are only added, with a
default; golden files under `tests/contracts/golden/` hold that. What a field means stands here.
Points and money are integers (money in minor units of the program's currency), times are aware.
"""

from shared.events.broadcasts import BroadcastDue
from shared.events.chat import ChatDataProvided, ChatDataRequested, Explained, MissingToNext
from shared.events.contract import CONTRACTS, PUBLIC, Event, contract, name_of, new_event
from shared.events.line import LineEventReceived, RecipientNamed
from shared.events.members import (
    MemberJoined,
    MemberMerged,
    MemberReturned,
    MemberUnmerged,
    RankChanged,
)
from shared.events.membership import (
    LinkRefused,
    MemberLinked,
    MemberStatusChanged,
    MemberUnlinked,
    MemberUpdated,
)
from shared.events.points import (
    ExpiringPoints,
    PointsActivated,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsExpiring,
    PointsRedeemed,
    PointsReversed,
)
from shared.events.privacy import (
    MemberErased,
    MemberExportPart,
    MemberExportRequested,
    MemberLeft,
)
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
from shared.events.ranks import MissingToKeep, RankExpiring
from shared.events.schedule import ScheduleCancelled, ScheduleRequested, ScheduleTicked
from shared.events.segments import (
    SegmentPage,
    SegmentPerson,
    SegmentRefused,
    SegmentRequested,
)
from shared.events.shop import ProgramPublished, StoreChanged, TerminalChanged
from shared.events.staff import KeyActed, StaffActed, StaffSessionEnded

__all__ = [
    "CONTRACTS",
    "PUBLIC",
    "BroadcastDue",
    "ChatDataProvided",
    "ChatDataRequested",
    "Discount",
    "Event",
    "ExpiringPoints",
    "Explained",
    "KeyActed",
    "Line",
    "LineEventReceived",
    "LinkRefused",
    "MemberErased",
    "MemberExportPart",
    "MemberExportRequested",
    "MemberJoined",
    "MemberLeft",
    "MemberLinked",
    "MemberMerged",
    "MemberRef",
    "MemberReturned",
    "MemberStatusChanged",
    "MemberUnlinked",
    "MemberUnmerged",
    "MemberUpdated",
    "MissingToKeep",
    "MissingToNext",
    "Payment",
    "PointsActivated",
    "PointsAdjusted",
    "PointsEarned",
    "PointsExpired",
    "PointsExpiring",
    "PointsOfPurchase",
    "PointsRedeemed",
    "PointsReversed",
    "ProgramPublished",
    "Purchase",
    "PurchaseAnswer",
    "PurchaseRejected",
    "PurchaseSubmitted",
    "RankChanged",
    "RankExpiring",
    "RecipientNamed",
    "ScheduleCancelled",
    "ScheduleRequested",
    "ScheduleTicked",
    "SegmentPage",
    "SegmentPerson",
    "SegmentRefused",
    "SegmentRequested",
    "StaffActed",
    "StaffSessionEnded",
    "StoreChanged",
    "TerminalChanged",
    "contract",
    "name_of",
    "new_event",
]
