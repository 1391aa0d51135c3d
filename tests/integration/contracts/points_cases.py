"""Cases of points' queues."""

from datetime import timedelta
from typing import Any

import msgspec

from services.points import __main__ as processes
from services.points import demo
from services.points.members.enrolment import Enrolment
from services.points.programs import publishing
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.settings import (
    HooksSettings,
    PersonalSettings,
    PointsSettings,
    SegmentsSettings,
)
from services.points.store import exports
from shared import ids
from shared.bus.handling import Batch
from shared.db import Pool
from shared.events import (
    CONTRACTS,
    PUBLIC,
    ChatDataRequested,
    Event,
    KeyActed,
    MemberExportPart,
    MemberMerged,
    MemberRef,
    MemberUnmerged,
    PointsAdjusted,
    PointsReversed,
    ProgramPublished,
    RecipientNamed,
    ScheduleTicked,
    SegmentRequested,
    StaffActed,
)
from shared.keys import Keys
from tests.contracts.write_golden import example
from tests.integration.contracts.edge_cases import BEGINNING, at
from tests.integration.contracts.house import Case
from tests.integration.contracts.notify_cases import USERS, line, text
from tests.integration.points.shop import OWNER_KEY, PLAIN, POS_KEY, QR_KEY, submitted


async def shop(pool: "Pool[Any]", *members: str) -> tuple[Awards, list[Event[Any]]]:
    """A program and these members; what awards purchases, and what was told of the members."""
    rulebook = Rulebook()
    awards = Awards(rulebook, Keys(QR_KEY))
    async with pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        await publishing.publish(batch, msgspec.json.encode(PLAIN), "test")
        await demo.seed(batch, {"pos": POS_KEY, "owner": OWNER_KEY})
        follows = [line(-9, "follow", user, replyToken="first") for user in members]
        await Enrolment(rulebook, awards).handle(batch, follows)
    return awards, batch.emitted


def bought(hours: int, user: str, total: int, key: str) -> Event[Any]:
    """A purchase so many hours after the beginning."""
    moment = BEGINNING + timedelta(hours=hours)
    return submitted(MemberRef(line_user_id=user), total, key, occurred_at=moment)


def basket() -> list[Event[Any]]:
    """Purchases over two days, of members, of nobody yet, and of what names nobody."""
    a, b, _ = USERS
    return [
        bought(0, a, 1000, "k1"),
        bought(1, a, 250, "k2"),
        bought(2, b, 12_345, "k3"),
        bought(22, a, 300, "k4"),
        bought(23, b, 99, "k5"),
        bought(20, a, 100, "k6"),
        submitted(MemberRef(external_id="later"), 500, "k7", occurred_at=BEGINNING),
        submitted(MemberRef(id="nonsense"), 500, "k8", occurred_at=BEGINNING),
    ]


async def purchases(pool: "Pool[Any]") -> list[Event[Any]]:
    """The basket, with both of its members there."""
    await shop(pool, *USERS[:2])
    return basket()


async def arrivals(pool: "Pool[Any]") -> list[Event[Any]]:
    """People come, go and come back; some are there already, some speak before they follow."""
    a, b, c = USERS
    d, e = "U" + "d" * 32, "U" + "e" * 32
    await shop(pool, a)
    return [
        line(1, "unfollow", a),
        line(2, "follow", a, replyToken="f1"),
        line(3, "follow", b, replyToken="f2"),
        line(4, "message", b, **text("こんにちは", "m1")),
        line(5, "unfollow", b),
        line(6, "message", c, **text("ポイント", "m2")),
        line(7, "unfollow", d),
        line(8, "follow", d, replyToken="f3"),
        line(9, "unfollow", d),
        line(10, "message", d, **text("why", "m3")),
        line(11, "unfollow", e),
        line(12, "message", None, source={"type": "group", "groupId": "C1"}),
    ]


async def questions(pool: "Pool[Any]") -> list[Event[Any]]:
    """Members and a stranger ask."""
    a, b, c = USERS
    await shop(pool, a, b)
    asked = [(a, "balance"), (a, "why"), (b, "balance"), (c, "balance"), (c, "why")]
    return [
        at(n, ChatDataRequested(user, topic, f"token-{n}", BEGINNING))
        for n, (user, topic) in enumerate(asked)
    ]


async def names(pool: "Pool[Any]") -> list[Event[Any]]:
    """What LINE calls members and a stranger; names change, one is withdrawn."""
    a, b, c = USERS
    await shop(pool, a, b)
    told = [(a, "花"), (a, "花子"), (b, "Taro"), (c, "だれか"), (b, None), (a, "花子")]
    return [
        at(n, RecipientNamed(user, BEGINNING + timedelta(hours=n), name))
        for n, (user, name) in enumerate(told)
    ]


async def segments(pool: "Pool[Any]") -> list[Event[Any]]:
    """Streams of everybody, of one member, of nobody, and of what cannot be computed."""
    await shop(pool, *USERS)
    asked: list[tuple[Any, str | None]] = [
        ({"all": True}, None),
        ({"points": {"min": 50}}, "welcomed"),
        ({"member": str(ids.derived_id("nobody"))}, None),
        ({"any": [{"points": {"min": "many"}}, {"moon": "full"}]}, None),
        ({"all": [{"not": {"line": "reachable"}}, {"rank": {"in": [None, "gold"]}}]}, None),
    ]
    return [
        at(
            n,
            SegmentRequested(
                ids.derived_id("asked", str(n)), msgspec.Raw(msgspec.json.encode(document)), code
            ),
        )
        for n, (document, code) in enumerate(asked)
    ]


async def moves(pool: "Pool[Any]") -> list[Event[Any]]:
    """What moves ranks: points that two members earned, a program, and two nights."""
    awards, _ = await shop(pool, *USERS[:2])
    async with pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        await awards.handle(batch, basket())
    earned = [event for event in batch.emitted if event.type == "points.earned.v1"]
    member = earned[0].data.member_id
    nights = [BEGINNING + timedelta(days=day) for day in (0, 1)]
    return [
        *earned,
        at(1, PointsAdjusted(member, ids.new_id(), 10, 10, "雨の日")),
        at(1, PointsReversed(member, ids.new_id(), ids.new_id(), 100, 1, 0, 9)),
        at(1, MemberMerged(member, ids.new_id(), ids.new_id(), "2900000000016", 10)),
        at(1, MemberUnmerged(member, ids.new_id(), ids.new_id(), "2900000000016", 10)),
        at(2, ProgramPublished(1, BEGINNING, "Asia/Tokyo", "JPY")),
        *(at(3, ScheduleTicked("nightly", night, night)) for night in nights),
        at(5, ScheduleTicked("something else", BEGINNING, BEGINNING)),
    ]


async def parts(pool: "Pool[Any]") -> list[Event[Any]]:
    """Copies that services answer for, and one that nobody asked for."""
    await shop(pool, USERS[0])
    member = await pool.fetchval("SELECT id FROM members")
    asked = [ids.derived_id("export", str(n)) for n in range(2)]
    async with pool.acquire() as connection:
        for id in asked:
            await exports.add(connection, id, member, "test", BEGINNING)
    answers = [
        (id, service)
        for id in [*asked, ids.derived_id("export", "nobody's")]
        for service in ("notify", "webhook")
    ]
    return [
        at(n, MemberExportPart(id, service, msgspec.Raw(b'{"n": 1}')))
        for n, (id, service) in enumerate(answers)
    ]


ENDPOINT = """
INSERT INTO hook_endpoints (id, url, events, include_line_user_id, status, secret_generation,
    created_at, changed_at)
VALUES ($1, 'https://shop.example/hook', ARRAY['*'], true, 'active', 1, $2, $2)
"""


async def public(pool: "Pool[Any]") -> list[Event[Any]]:
    """One of each event that the owner's other systems may hear, and one that asks for all."""
    await pool.execute(ENDPOINT, ids.derived_id("endpoint"), BEGINNING)
    return [at(n, example(CONTRACTS[name], True)) for n, name in enumerate(sorted(PUBLIC))]


async def audited_acts(_: "Pool[Any]") -> list[Event[Any]]:
    """Changes by somebody who was signed in, with and without words on what was before, and by an
    owner key."""
    by, session = ids.derived_id("staff"), ids.derived_id("session")
    plain = StaffActed(by, session, "owner", "points", "PUT /v1/program", BEGINNING)
    told = [plain, *(example(kind, full) for kind in (StaffActed, KeyActed) for full in (1, 0))]
    return [at(n, each) for n, each in enumerate(told)]


BY_USER = "JOIN members ON members.id = member_id"

CASES = [
    Case(
        "points.awards",
        ("purchase.submitted.v1",),
        PersonalSettings,
        processes.awards,
        purchases,
        {
            "accounts": f"""SELECT line_user_id, in_lots, pending, held, debt, earned, spent,
                amount_spent, purchases, visits, last_visit_at FROM accounts {BY_USER}""",
            "entries": f"SELECT line_user_id, kind, amount, source FROM entries {BY_USER}",
            "lots": f"SELECT line_user_id, opened, remaining FROM lots {BY_USER}",
            "purchases": f"""SELECT line_user_id, purchases.id, total, points
                FROM purchases {BY_USER}""",
            "requests": "SELECT id, key, body_hash, kind, status, detail FROM requests",
            "waiting": "SELECT id, reference FROM waiting_purchases",
        },
        said={
            "points.earned.v1": ("line_user_id", "points", "purchase_id"),
            "purchase.rejected.v1": ("purchase_id", "reason"),
        },
    ),
    Case(
        "points.members",
        ("line.event_received.v1",),
        PersonalSettings,
        processes.awards,
        arrivals,
        {
            "members": "SELECT line_user_id, friend, friend_changed_at FROM members",
            "accounts": f"SELECT line_user_id, in_lots, earned FROM accounts {BY_USER}",
            "entries": f"SELECT line_user_id, kind, amount, source FROM entries {BY_USER}",
            "departures": "SELECT * FROM departures",
        },
        said={
            "member.joined.v1": ("line_user_id", "welcome_points"),
            "points.earned.v1": ("line_user_id", "points"),
        },
    ),
    Case(
        "points.names",
        ("recipient.named.v1",),
        PersonalSettings,
        processes.awards,
        names,
        {
            "names": "SELECT line_user_id, name, named_at FROM line_names",
            "terms": """SELECT line_user_id, kind, term FROM member_terms
                JOIN line_names ON line_names.id = owner""",
        },
    ),
    Case(
        "points.chat",
        ("chat.data_requested.v1",),
        PersonalSettings,
        processes.awards,
        questions,
        {"members": f"SELECT line_user_id, friend, in_lots FROM accounts {BY_USER}"},
        said={
            "chat.data_provided.v1": ("line_user_id", "topic", "balance", "reply_token"),
            "member.joined.v1": ("line_user_id", "welcome_points"),
        },
    ),
    Case(
        "points.ranks",
        (
            "points.earned.v1",
            "points.adjusted.v1",
            "points.reversed.v1",
            "member.merged.v1",
            "member.unmerged.v1",
            "program.published.v1",
            "schedule.ticked.v1",
        ),
        PointsSettings,
        processes.ranks,
        moves,
        {
            "ranks": "SELECT line_user_id, code, floor FROM ranks " + BY_USER,
            "nights": "SELECT finished_at IS NOT NULL FROM nights",
            "rank_runs": "SELECT DISTINCT reason, evaluation FROM rank_runs",
        },
        said={"rank.changed.v1": ("line_user_id", "direction", "to_rank")},
        over="""SELECT NOT EXISTS (SELECT FROM rank_runs WHERE finished_at IS NULL)
            AND NOT EXISTS (SELECT FROM nights WHERE finished_at IS NULL)""",
    ),
    Case(
        "points.segments",
        ("segment.requested.v1",),
        SegmentsSettings,
        processes.segments,
        segments,
        {
            "requests": """SELECT id, definition::text, segment, single, members
                FROM segment_requests"""
        },
        said={"segment.refused.v1": ("request_id", "ja", "en")},
        over="SELECT NOT EXISTS (SELECT FROM segment_requests WHERE finished_at IS NULL)",
    ),
    Case(
        "points.audit",
        ("key.acted.v1", "staff.acted.v1"),
        PersonalSettings,
        processes.awards,
        audited_acts,
        {
            "log": """SELECT id, staff_id, key_id, role, act, target, before::text, after::text
                FROM audit_log"""
        },
    ),
    Case(
        "points.exports",
        ("member.export_part.v1",),
        PersonalSettings,
        processes.awards,
        parts,
        {"parts": "SELECT export_id, service, length(sealed) FROM member_export_parts"},
    ),
    Case(
        "points.hooks",
        tuple(sorted(PUBLIC)),
        HooksSettings,
        processes.hooks,
        public,
        {
            "messages": """SELECT id, type, at, member_id, line_user_id, data::text
                FROM hook_messages""",
            "deliveries": "SELECT endpoint_id, message_id, status, tries FROM hook_deliveries",
        },
    ),
]
