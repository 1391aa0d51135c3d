"""Owners' own words: saved, in force in a running worker, gone back from, looked at, tried out."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from services.notify.store import recipients
from services.notify.store.recipients import Link
from services.notify.templates import in_force, previews
from services.notify.templates.in_force import InForce
from services.notify.templates.kinds import KINDS
from services.notify.web import template_trials
from shared import clock, ids
from shared.events import SegmentPage, SegmentPerson, SegmentRefused
from tests.integration.notify.links_house import READ_KEY, House, house

EARNED = "/v1/messages/templates/earned/ja"
OWN = [{"type": "text", "text": "やった！{points}ポイント（残高{balance}）"}]
ACTS = "SELECT count(*) FROM outbox WHERE type = 'key.acted.v1'"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_force, "LOOK_SECONDS", 0.02)


@pytest.fixture
async def shop(notify: Any, servers: Any, database: Any, namespace: str) -> AsyncIterator[House]:
    async with house(servers, database, namespace) as open_house:
        yield open_house


async def save(shop: House, messages: Any = OWN, path: str = EARNED, **more: Any) -> Any:
    return await shop.ask("PUT", path, json={"messages": messages, **more})


async def test_what_is_saved_is_said_by_a_running_worker_and_gone_back_from(
    shop: House, notify: Any, line: Any, kit: Any
) -> None:
    async with notify.running() as worker:
        assert (await save(shop, note="短く")).json()["version"] == 1

        async def told(points: int) -> Any:
            await worker.tell(kit.earned(points=points))
            rows = await kit.until(lambda: found(points))
            return rows["template_version"], json.loads(rows["messages"])[0]["type"]

        async def found(points: int) -> Any:
            return await worker.pool.fetchrow(
                "SELECT * FROM deliveries WHERE messages LIKE $1", f"%{points}%"
            )

        points = iter(range(700, 800))

        async def until_told(expected: tuple[int | None, str]) -> None:
            async def so() -> bool:
                return await told(next(points)) == expected

            await kit.until(so)

        await until_told((1, "text"))
        await shop.ask("POST", f"{EARNED}/revert", json={})
        await until_told((None, "flex"))
        await shop.ask("POST", f"{EARNED}/revert", json={"version": 1})
        await until_told((3, "text"))
        # Whatever came within the same moment is one push: ours need not be its first message.
        await kit.until(lambda: "やった！7" in str([each["messages"] for each in line.delivered]))


async def test_versions_stay_as_they_were_and_differences_are_told(shop: House) -> None:
    await save(shop, note="first")
    same = await save(shop, note="again")
    assert same.json()["version"] == 1, "nothing changed, nothing new"
    louder = [{"type": "text", "text": "やった！！{points}"}]
    assert (await save(shop, louder)).json()["version"] == 2
    await shop.ask("POST", f"{EARNED}/revert", json={"note": "enough"})
    listed = (await shop.ask("GET", f"{EARNED}/versions", READ_KEY)).json()["items"]
    assert [(each["version"], each["default"], each["note"]) for each in listed] == [
        (3, True, "enough"),
        (2, False, None),
        (1, False, "first"),
    ]
    assert listed[0]["changed_by"].startswith("key:")
    page = (await shop.ask("GET", f"{EARNED}/versions?limit=2")).json()
    rest = (await shop.ask("GET", f"{EARNED}/versions?limit=2&cursor={page['next']}")).json()
    assert [each["version"] for each in rest["items"]] == [1]
    second = (await shop.ask("GET", f"{EARNED}/versions/2")).json()
    assert second["messages"] == louder
    assert second["differences"] == [
        {"path": "messages[0].text", "before": OWN[0]["text"], "after": louder[0]["text"]}
    ]
    assert (await shop.ask("GET", f"{EARNED}/versions/9")).status_code == 404
    now = (await shop.ask("GET", EARNED)).json()
    assert (now["version"], now["messages"]) == (None, now["default"])


async def test_all_that_is_wrong_is_said_when_it_is_saved_and_nothing_is_kept(shop: House) -> None:
    wrong = [{"type": "text", "text": "{pionts} {"}, {"type": "text", "text": "あ" * 5001}]
    for answer in (
        await save(shop, wrong),
        await shop.ask("POST", "/v1/messages/templates/earned/check", json={"messages": wrong}),
    ):
        found = answer.json().get("errors") or answer.json().get("problems")
        assert [each["path"] for each in found] == [
            "messages[0].text",
            "messages[0].text",
            "messages[1].text",
        ]
    assert (await save(shop, wrong)).status_code == 422
    assert (await shop.ask("GET", EARNED)).headers["etag"] == '"0"'
    draft = {"messages": OWN, "language": "ja"}
    checked = await shop.ask("POST", "/v1/messages/templates/earned/check", json=draft)
    assert checked.json()["valid"] and checked.json()["differences"]


async def test_who_read_an_older_version_does_not_overwrite_a_newer(shop: House) -> None:
    first = await shop.ask("PUT", EARNED, json={"messages": OWN}, headers={"If-Match": '"0"'})
    assert first.headers["etag"] == '"1"'
    late = await shop.ask("PUT", EARNED, json={"messages": OWN}, headers={"If-Match": '"0"'})
    assert late.status_code == 412


async def test_only_owners_write_and_unknown_kinds_are_not_found(shop: House) -> None:
    body = {"messages": OWN}
    assert (await shop.ask("PUT", EARNED, READ_KEY, json=body)).status_code == 403
    assert (await save(shop, path="/v1/messages/templates/lottery/ja")).status_code == 404
    assert (await save(shop, path="/v1/messages/templates/earned/fr")).status_code == 422
    large = [{"type": "text", "text": "a" * 400_000}]
    assert (await save(shop, large)).status_code == 413


async def test_the_list_tells_what_each_kind_is_for_and_what_is_said(shop: House) -> None:
    await save(shop)
    listed = (await shop.ask("GET", "/v1/messages/templates", READ_KEY)).json()["items"]
    assert [each["kind"] for each in listed] == list(KINDS)
    earned = next(each for each in listed if each["kind"] == "earned")
    assert earned["category"] == "receipt"
    assert [each["name"] for each in earned["variables"]] == ["points", "balance", "when"]
    assert (earned["state"]["ja"]["version"], earned["state"]["en"]["version"]) == (1, None)


async def test_what_no_longer_fits_is_passed_over_for_the_default_and_said(
    shop: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A later release may drop a variable or a kind; the database still holds it."""
    await shop.pool.execute(
        """INSERT INTO templates VALUES ('earned', 'ja', 1, $1, NULL, $2, 'key:x'),
        ('lottery', 'ja', 1, '[]', NULL, $2, 'key:x'), ('why', 'ja', 1, '{', NULL, $2, 'key:x')""",
        json.dumps([{"type": "text", "text": "{gone}"}]),
        clock.now(),
    )
    words = InForce()
    await words.look(shop.pool)
    assert words["ja"].templates["earned"].version is None
    now = (await shop.ask("GET", EARNED)).json()
    assert now["version"] is None
    assert "{gone}" in now["problems"][0]["message"]
    assert (await shop.ask("GET", "/v1/messages/templates/why/ja")).status_code == 200
    told = await shop.ask("POST", "/v1/messages/templates/earned/preview", json={})
    assert told.json()["version"] is None


async def test_a_colour_is_drawn_everywhere(shop: House) -> None:
    assert (await shop.ask("PUT", "/v1/messages/theme", json={"brand": "red"})).status_code == 422
    put = await shop.ask("PUT", "/v1/messages/theme", json={"brand": "#ab12cd"})
    assert put.json()["colors"]["color_brand"] == "#AB12CD"
    assert (await shop.ask("GET", "/v1/messages/theme", READ_KEY)).json() == put.json()
    told = await shop.ask("POST", "/v1/messages/templates/earned/preview", json={})
    assert "#AB12CD" in told.text
    words = InForce()
    await words.look(shop.pool)
    assert "#AB12CD" in words["en"].templates["earned"].fill(
        dict.fromkeys(KINDS["earned"].slots, "1")
    )


async def answering(shop: House, kit: Any, *people: SegmentPerson, no: str | None = None) -> None:
    """Points answers the next question."""

    async def asked() -> UUID | None:
        return await shop.pool.fetchval("SELECT request_id FROM previews WHERE answered_at IS NULL")

    request_id = await kit.until(asked)
    if no is not None:
        await previews.refused(shop.pool, [SegmentRefused(request_id, no, no)])
        return
    page = SegmentPage(request_id, ids.new_id(), 0, clock.now(), list(people), len(people), True)
    await previews.take(shop.pool, [page])


async def test_a_preview_is_filled_with_examples_or_with_a_member(shop: House, kit: Any) -> None:
    path = "/v1/messages/templates/balance_next_rank/preview"
    shown = (await shop.ask("POST", path, json={"language": "en"})).json()
    assert (shown["of"], shown["values"]["rank"]) == ("examples", "Silver")
    hanako = SegmentPerson(
        kit.member,
        "2911",
        kit.user,
        5432,
        rank_name="銅",
        next_rank_name="銀",
        missing_ja="あと少し",
    )
    body = {"member": str(kit.member)}
    answer, _ = await asyncio.gather(
        shop.ask("POST", path, json=body), answering(shop, kit, hanako)
    )
    shown = answer.json()
    assert shown["of"] == "member"
    assert {"5,432", "銅", "銀", "あと少し", "2911"} <= set(shown["values"].values())
    assert "5,432" in json.dumps(shown["messages"])
    assert await shop.pool.fetchval("SELECT count(*) FROM previews") == 0
    assert "segment.requested.v1" in await shop.pool.fetchval("SELECT type FROM outbox")


@pytest.mark.parametrize("no", [None, "no members here"])
async def test_nobody_and_silence_are_said_clearly(
    shop: House, kit: Any, monkeypatch: pytest.MonkeyPatch, no: str | None
) -> None:
    path, body = "/v1/messages/templates/earned/preview", {"member": str(kit.member)}
    answer, _ = await asyncio.gather(shop.ask("POST", path, json=body), answering(shop, kit, no=no))
    assert answer.status_code == 404
    monkeypatch.setattr(template_trials, "ANSWER_SECONDS", 0.1)
    late = await shop.ask("POST", path, json=body)
    assert late.status_code == 503
    assert int(late.headers["retry-after"]) >= 2
    assert "points segments" in late.json()["detail"]


async def test_a_test_goes_to_one_member_by_the_usual_way(
    shop: House, notify: Any, line: Any, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_trials, "ANSWER_SECONDS", 0.1)
    path = "/v1/messages/templates/earned/test"
    body = {"member": str(kit.member), "messages": OWN}
    assert (await shop.ask("POST", path, json=body)).status_code == 409, "nobody's LINE"
    async with shop.pool.acquire() as connection:
        await recipients.link(connection, [Link(kit.user, kit.member, clock.now())])
    key = {"Idempotency-Key": "once"}
    sent = await shop.ask("POST", path, json=body, headers=key)
    assert (sent.status_code, sent.json()["of"]) == (202, "examples")
    assert (await shop.ask("POST", path, json=body, headers=key)).json() == sent.json()
    assert await shop.pool.fetchval(ACTS) == 1, "asking for data is no act, and a repeat is none"
    async with notify.running() as worker:
        (row,) = await worker.settled(1)
        assert (row["category"], row["priority"], row["kind"]) == ("chat", 0, "earned")
        assert str(row["id"]) == sent.json()["delivery"]
    assert line.texts() == ["やった！120ポイント（残高1,250）"]
    await shop.pool.execute("UPDATE recipients SET blocked = true")
    assert (await shop.ask("POST", path, json=body)).json()["type"].endswith("blocked")
