"""What somebody stopped they do not get, from the moment they say so; who is back is noticed."""

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.notify.store import recipients
from services.notify.store.recipients import Standing
from shared import clock
from shared.events import LineEventReceived, RankChanged, new_event

AT_NIGHT = {"window_seconds": 0, "quiet": {"from": "00:00", "to": "12:00"}}


def said(kit, kind: str, at: Any = None, token: str | None = None, **parts: Any):
    """What LINE sends of somebody who wrote or tapped."""
    raw = {
        "type": kind,
        "timestamp": int((at or clock.now()).timestamp() * 1000),
        "source": {"type": "user", "userId": kit.user},
        "replyToken": token,
        **parts,
    }
    data = LineEventReceived(
        kind, msgspec.Raw(json.dumps(raw).encode()), clock.now(), None, kit.user
    )
    return new_event("/webhook", data)


def wrote(kit, text: str, token: str):
    return said(kit, "message", token=token, message={"id": "1", "type": "text", "text": text})


def tapped(kit, data: str, token: str | None = None, at: Any = None):
    return said(kit, "postback", at, token, postback={"data": data})


def rank(kit):
    data = RankChanged(kit.member, "up", to_rank="s", to_name="S", line_user_id=kit.user)
    return new_event("/points", data)


async def test_in_chat_a_word_shows_the_menu_and_a_tap_stops(notify, line, kit):
    line.good_tokens |= {"t1": kit.user, "t2": kit.user}
    async with notify.running() as worker:
        await worker.tell(wrote(kit, "お知らせ停止", "t1"))
        await worker.settled(1)
        await worker.tell(tapped(kit, "notices:stop:receipt", "t2"))
        await worker.settled(2)
        await worker.tell(kit.earned(), kit.earned(kit.other))
        rows = await worker.settled(4)
        assert await worker.pool.fetchval("SELECT count(*) FROM outbox") == 0, "nothing for points"
    mine = next(row for row in rows if row["kind"] == "earned" and row["line_user_id"] == kit.user)
    assert (mine["status"], mine["reason"]) == ("skipped", "opted_out")
    assert [each["kind"] for each in line.delivered[:2]] == ["reply", "reply"]
    before, after = line.texts()
    assert "ポイントの増減: 受け取る" in before
    assert "ポイントの増減: 停止中" in after
    assert len(line.texts(kit.other)) == 1


async def test_the_newest_word_counts_whatever_the_order(notify, line, kit):
    now = clock.now()
    async with notify.running() as worker:
        await worker.tell(tapped(kit, "notices:start:rank", at=now))
        await worker.settled(1)
        await worker.tell(tapped(kit, "notices:stop:rank", at=now - timedelta(seconds=5)))
        await worker.settled(2)
        await worker.tell(rank(kit))
        rows = {row["kind"]: row["status"] for row in await worker.settled(3)}
    assert rows["rank_reached"] == "delivered"


async def test_what_waits_to_be_said_is_given_up(notify, line, kit):
    await notify.put(
        2, rank={"window_seconds": 600, "quiet": None}, receipt={"window_seconds": 600}
    )
    line.good_tokens["t1"] = kit.user
    async with notify.running() as worker:
        await worker.tell(rank(kit), kit.earned())

        async def gathering() -> bool:
            return await worker.statuses() == ["waiting"] * 2

        await kit.until(gathering)
        await worker.tell(tapped(kit, "notices:stop:rank", "t1"))
        rows = {row["kind"]: row for row in await worker.settled(3)}
    assert (rows["rank_reached"]["status"], rows["rank_reached"]["reason"]) == (
        "skipped",
        "opted_out",
    )
    assert rows["earned"]["merged_into"] == rows["notices"]["id"], "the reply took it along"
    assert [each["kind"] for each in line.delivered] == ["reply"]


async def test_who_is_back_is_noticed_and_what_was_skipped_stays_so(notify, line, kit):
    now = clock.now()
    async with notify.running() as worker:
        pool = worker.pool
        await recipients.stand(pool, [Standing(kit.user, True, now - timedelta(days=2))])
        await worker.tell(kit.earned(points=1))
        await worker.settled(1)
        await worker.tell(said(kit, "follow", now, "t"))

        async def back() -> Any:
            return await pool.fetchrow("SELECT * FROM recipients WHERE NOT blocked")

        row = await kit.until(back)
        await worker.tell(kit.earned(points=2))
        rows = await worker.settled(2)
    assert row["blocked_at"] == now - timedelta(days=2)
    assert row["returned_at"] == now.replace(microsecond=now.microsecond // 1000 * 1000)
    assert sorted(each["status"] for each in rows) == ["delivered", "skipped"]
    assert line.texts() == ["2 ポイントが付きました（残高 102 ポイント）"]


@pytest.mark.parametrize(
    ("profile", "language", "name"),
    [
        ({"displayName": "Ann", "language": "en"}, "en", "Ann"),
        ({"displayName": "花子", "language": "ja"}, "ja", "花子"),
        ({"displayName": "陳"}, "ja", "陳"),
    ],
)
async def test_line_is_asked_who_follows(notify, line, kit, profile, language, name):
    line.profiles[kit.user] = profile
    async with notify.running() as worker:
        await worker.tell(said(kit, "follow", token="t"))

        async def read() -> Any:
            return await worker.pool.fetchrow(
                "SELECT * FROM recipients WHERE profile_at IS NOT NULL"
            )

        row = await kit.until(read)
        await worker.tell(kit.earned())
        await worker.settled(1)
    assert (row["language"], row["display_name"]) == (language, name)
    assert row["profile_due_at"] > clock.now() + timedelta(days=29)
    assert ("You earned" in line.texts()[0]) == (language == "en")


async def test_whom_line_tells_nothing_of_is_not_asked_again_and_who_waits_is(notify, line, kit):
    line.profiles[kit.user] = 500
    async with notify.running() as worker:
        await worker.tell(said(kit, "follow", token="t"))

        async def due(user: str) -> Any:
            return await worker.pool.fetchrow(
                "SELECT * FROM recipients WHERE line_user_id = $1 AND profile_due_at > $2",
                user,
                clock.now(),
            )

        await kit.until(lambda: due(kit.user))
        del line.profiles[kit.user]
        clock.set_offset(timedelta(minutes=11))

        async def forgone() -> Any:
            return await worker.pool.fetchval(
                "SELECT count(*) FROM recipients WHERE profile_due_at IS NULL"
            )

        await kit.until(forgone)
