"""Cases of notify's queues."""

import uuid
from datetime import timedelta
from typing import Any

import msgspec

from services.notify import __main__ as notify
from services.notify.preferences.settings import AT_ONCE
from services.notify.settings import NotifySettings, NotifyWebSettings
from services.notify.store import message_settings as store_settings
from services.notify.store.message_settings import Revision
from shared.db import Pool
from shared.events import (
    BroadcastDue,
    ChatDataProvided,
    Event,
    LineEventReceived,
    LinkRefused,
    MemberErased,
    MemberExportRequested,
    MemberJoined,
    MemberLeft,
    MemberLinked,
    MemberMerged,
    MemberReturned,
    MemberStatusChanged,
    MemberUnlinked,
    MemberUnmerged,
    MissingToKeep,
    PointsAdjusted,
    PointsEarned,
    PointsExpiring,
    PointsRedeemed,
    PointsReversed,
    ProgramPublished,
    RankChanged,
    RankExpiring,
    SegmentPage,
    SegmentPerson,
    SegmentRefused,
)
from tests.integration.contracts.edge_cases import BEGINNING, at, keys_and_sessions
from tests.integration.contracts.house import Case

USERS = ("U" + "a" * 32, "U" + "b" * 32, "U" + "c" * 32)


def line(minute: int, kind: str, user: str | None, **raw: Any) -> Event[Any]:
    """LINE's event of so many minutes after the beginning."""
    moment = BEGINNING + timedelta(minutes=minute)
    event = {
        "type": kind,
        "mode": "active",
        "timestamp": int(moment.timestamp() * 1000),
        "source": {"type": "user", "userId": user},
        **raw,
    }
    data = LineEventReceived(kind, msgspec.Raw(msgspec.json.encode(event)), moment, "U0", user)
    return at(minute, data)


def text(words: str, id: str) -> dict[str, Any]:
    """A message with these words."""
    return {"message": {"type": "text", "id": id, "text": words}, "replyToken": f"token-{id}"}


async def heard(_: "Pool[Any]") -> list[Event[Any]]:
    """People come, go and come back, ask, and take back what they said."""
    a, b, c = USERS
    return [
        line(1, "follow", a, replyToken="f1"),
        line(2, "message", a, **text("ポイント", "m1")),
        line(3, "unfollow", a),
        line(4, "follow", a, replyToken="f2"),
        line(5, "message", a, **text("何でもない", "m2")),
        line(6, "unsend", a, unsend={"messageId": "m2"}),
        line(7, "follow", b, replyToken="f3"),
        line(8, "unfollow", b),
        line(9, "message", c, **text("why", "m3")),
        line(10, "postback", c, postback={"data": "balance"}),
        line(11, "", None, source={"type": "group", "groupId": "C1"}),
        line(12, "something new", None, source="nonsense"),
    ]


async def told(pool: "Pool[Any]") -> list[Event[Any]]:
    """All that a member is told, by several programs' clocks, each thing apart: what goes out with
    what depends on what comes when."""
    at_once = Revision(1, AT_ONCE.model_dump_json(by_alias=True), BEGINNING)
    await store_settings.put(pool, at_once, "test")
    a, b, c = USERS
    one, two, three = (uuid.uuid5(uuid.NAMESPACE_URL, user) for user in USERS)
    moment = BEGINNING
    return [
        at(0, ProgramPublished(1, moment, "Asia/Tokyo", "JPY")),
        at(1, MemberJoined(one, "2900000000016", 50, 50, a, "token", moment, moment)),
        at(2, PointsEarned(one, uuid.UUID(int=1), "welcome", 50, 50, moment, a)),
        at(3, PointsEarned(one, uuid.UUID(int=2), "purchase", 10, 60, moment, a)),
        at(4, PointsAdjusted(one, uuid.UUID(int=3), -5, 55, "間違い", a)),
        at(5, RankChanged(one, "up", "bronze", "ブロンズ", line_user_id=a)),
        at(6, ProgramPublished(2, moment, "Europe/Berlin", "EUR")),
        at(6, ProgramPublished(3, moment, "Asia/Seoul", "KRW")),
        at(6, ProgramPublished(4, moment, "America/New_York", "USD")),
        at(7, ChatDataProvided(a, "balance", one, "2900000000016", 55)),
        at(8, MemberJoined(two, "2900000000023", 0, 0, b)),
        at(9, MemberReturned(two, "2900000000023", 0, b, followed_at=moment)),
        at(10, PointsEarned(three, uuid.UUID(int=4), "purchase", 7, 7, moment, c)),
        at(11, RankChanged(three, "down", None, None, "bronze", "ブロンズ", c)),
        at(11, PointsReversed(one, uuid.UUID(int=6), uuid.UUID(int=2), 1000, 10, 0, 45, a)),
        at(11, PointsRedeemed(one, uuid.UUID(int=7), uuid.UUID(int=8), 5, 5, 40, "main", a)),
        at(11, PointsExpiring(one, 45, moment + timedelta(days=7), 7, 45, a)),
        at(11, RankExpiring(one, "bronze", "ブロンズ", moment, MissingToKeep(visits=1), a)),
        at(11, MemberLinked(two, "2900000000023", 5, moment, 0, b)),
        at(11, MemberUnlinked(two, one, "2900000000023", 0, moment + timedelta(minutes=1), b)),
        at(11, LinkRefused(c, "wrong_code")),
        at(12, PointsEarned(three, uuid.UUID(int=5), "purchase", 7, 7, moment)),
    ]


MENUS = """
INSERT INTO menus (name, document, image, media_type, wordless, given, removed, changed_at)
SELECT n, '{"applies": ' || a || '}', '', 'image/png', false, false, false, $3
FROM unnest($1::text[], $2::text[]) AS m (n, a)
"""
APPLIES = {
    "gold": '{"ranks": ["gold"]}',
    "silver": '{"ranks": ["silver"]}',
    "card": '{"states": ["linked"]}',
    "left": '{"states": ["left"]}',
}


async def moved(pool: "Pool[Any]") -> list[Event[Any]]:
    """All that decides on people's rich menus, of three people and a card without LINE."""
    await pool.execute(MENUS, list(APPLIES), list(APPLIES.values()), BEGINNING)
    a, b, c = USERS
    one, two, three = (uuid.uuid5(uuid.NAMESPACE_URL, user) for user in USERS)
    card, moment = "2900000000016", BEGINNING
    return [
        at(1, MemberJoined(one, card, 0, 0, a)),
        at(2, RankChanged(one, "up", "silver", "S", line_user_id=a)),
        at(3, RankChanged(one, "up", "gold", "G", "silver", "S", a)),
        at(4, MemberJoined(two, card, 0, 0, b)),
        at(5, RankChanged(three, "up", "gold", "G")),
        at(6, MemberLinked(three, card, 5, moment + timedelta(minutes=6), 0, b)),
        at(7, MemberStatusChanged(one, "suspended", "active", a)),
        at(8, MemberStatusChanged(one, "active", "suspended", a)),
        at(9, MemberUnlinked(two, three, card, 0, moment + timedelta(minutes=9), b)),
        at(10, MemberMerged(three, two, uuid.UUID(int=1), card, 0, b)),
        at(11, MemberUnmerged(two, three, uuid.UUID(int=1), card, 0, b)),
        at(12, RankChanged(two, "up", "silver", "S", line_user_id=b)),
        at(13, MemberJoined(three, card, 0, 0, c)),
        at(14, MemberLeft(three, card, 0, moment + timedelta(minutes=14), c)),
        at(15, MemberReturned(three, card, 0, c, followed_at=moment + timedelta(minutes=15))),
        at(16, RankChanged(one, "down", None, None, "gold", "G", a)),
        at(17, MemberLeft(one, card, 0, moment + timedelta(minutes=17), a)),
    ]


KEPT = """
INSERT INTO line_events (id, kind, line_user_id, raw, received_at)
SELECT gen_random_uuid(), 'message', user_id, '{}', $2 FROM unnest($1::text[]) AS u (user_id)
"""


async def personal(pool: "Pool[Any]") -> list[Event[Any]]:
    """Two ask for a copy, one of them and another are erased, and one erasure names nobody."""
    await pool.execute(KEPT, list(USERS), BEGINNING)
    a, b, _ = USERS
    one, two = (uuid.uuid5(uuid.NAMESPACE_URL, user) for user in (a, b))
    return [
        at(1, MemberExportRequested(uuid.UUID(int=1), [one], [a])),
        at(2, MemberExportRequested(uuid.UUID(int=2), [two], [b])),
        at(3, MemberErased(one, BEGINNING + timedelta(minutes=3), a)),
        at(4, MemberErased(two, BEGINNING + timedelta(minutes=4))),
    ]


WAITING = """
INSERT INTO broadcasts (id, name, state, revision, kind, content, definition, growth_limit_percent,
    personal, spoken, request_id, confirmed_recipients, created_at)
VALUES ($1, 'sale', $2, 3, 'broadcast', '{}', '{"all":true}', 20, true, '{ja}', $3, 2, $4)
"""


async def streamed(pool: "Pool[Any]") -> list[Event[Any]]:
    """Segments come for three broadcasts: whole, cut off and begun anew, refused; a fourth and a
    fifth, of which one was changed since, come due."""
    ids = [uuid.UUID(int=number) for number in range(1, 6)]
    states = ("counting", "recounting", "counting", "scheduled", "scheduled")
    for id, state in zip(ids, states, strict=True):
        await pool.execute(WAITING, id, state, uuid.UUID(int=id.int + 100), BEGINNING)
    whole, anew, refused = (uuid.UUID(int=number) for number in (101, 102, 103))
    people = [
        SegmentPerson(uuid.UUID(int=number), f"{number}", user, points=number)
        for number, user in enumerate((*USERS, None))
    ]

    def page(request: uuid.UUID, stream: int, number: int, *who: int, last: bool) -> SegmentPage:
        some = [people[index] for index in who]
        stream_id = uuid.UUID(int=stream)
        return SegmentPage(request, stream_id, number, BEGINNING, some, len(some), last)

    return [
        at(1, page(whole, 11, 0, 0, 1, last=False)),
        at(2, page(whole, 11, 1, 2, 3, last=True)),
        at(3, page(anew, 12, 0, 0, 1, last=False)),
        at(4, page(anew, 13, 0, 0, 3, last=True)),
        at(5, page(uuid.UUID(int=999), 14, 0, 0, last=True)),
        at(6, SegmentRefused(refused, "できません", "cannot")),
        at(7, BroadcastDue(ids[3], 3)),
        at(8, BroadcastDue(ids[4], 2)),
    ]


CASES = [
    Case(
        "notify.broadcasts",
        ("segment.page.v1", "segment.refused.v1", "broadcast.due.v1"),
        NotifySettings,
        notify.broadcasts,
        streamed,
        {
            "broadcasts": "SELECT id, state, revision, stream_id, counts, problem FROM broadcasts",
            "people": "SELECT stream_id, language, line_user_id, person FROM broadcast_people",
            "acts": "SELECT broadcast_id, act, detail FROM broadcast_acts",
        },
        said={"segment.requested.v1": ("definition", "segment")},
    ),
    Case(
        "notify.projections",
        ("terminal.changed.v1", "staff.session_ended.v1"),
        NotifyWebSettings,
        notify.web,
        keys_and_sessions,
        {"api_keys": "SELECT * FROM api_keys", "ended": "SELECT * FROM ended_sessions"},
    ),
    Case(
        "notify.personal",
        ("member.export_requested.v1", "member.erased.v1"),
        NotifySettings,
        notify.worker,
        personal,
        {
            "erasures": "SELECT * FROM erasures",
            "line_events": "SELECT line_user_id, kind FROM line_events",
        },
        said={"member.export_part.v1": ("request_id", "service")},
    ),
    Case(
        "notify.menus",
        (
            "member.joined.v1",
            "member.returned.v1",
            "member.linked.v1",
            "member.unlinked.v1",
            "member.merged.v1",
            "member.unmerged.v1",
            "member.left.v1",
            "member.status_changed.v1",
            "rank.changed.v1",
        ),
        NotifySettings,
        notify.broadcasts,
        moved,
        {
            "menu_members": "SELECT member_id, rank, suspended FROM menu_members",
            "menu_links": """SELECT line_user_id, member_id, has_card, has_left, wanted
                FROM menu_links""",
        },
    ),
    Case(
        "notify.line",
        ("line.event_received.v1",),
        NotifySettings,
        notify.worker,
        heard,
        {
            "recipients": "SELECT line_user_id, blocked, changed_at FROM recipients",
            "line_events": """SELECT id, kind, line_user_id, message_id, raw, received_at
                FROM line_events""",
        },
        said={"chat.data_requested.v1": ("line_user_id", "topic", "reply_token", "reply_until")},
    ),
    Case(
        "notify.messages",
        (
            "program.published.v1",
            "member.joined.v1",
            "member.returned.v1",
            "member.linked.v1",
            "member.unlinked.v1",
            "chat.link_refused.v1",
            "points.earned.v1",
            "points.adjusted.v1",
            "points.redeemed.v1",
            "points.reversed.v1",
            "points.expiring.v1",
            "rank.changed.v1",
            "rank.expiring.v1",
            "chat.data_provided.v1",
        ),
        NotifySettings,
        notify.worker,
        told,
        {
            "recipients": "SELECT line_user_id, member_id, blocked FROM recipients",
            "deliveries": """SELECT line_user_id, event_id, id, kind, status, reply_token,
                reply_until, reason FROM deliveries""",
            "program": "SELECT version, time_zone FROM program",
        },
    ),
]
