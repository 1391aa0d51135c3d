"""Members found as somebody types, whatever they type; nobody twice, nobody missed."""

import random
import unicodedata
from datetime import timedelta
from typing import Any

import pytest

from services.points.members import searching
from services.points.rules import typed
from services.points.store.member_search import Filter
from shared import clock, ids
from shared.events import RecipientNamed, new_event
from tests.integration.points.shop import Points, eventually, owner, pos

USER = "U" + "8" * 32
CONSENT = {"profile": {"given": True, "source": "申込書"}}
_MEMBER = """
INSERT INTO members (id, card, external_id, phone, status, friend, joined_at)
VALUES ($1, $2, $3, $4, 'active', false, $5)
"""
_ACCOUNT = """
INSERT INTO accounts (member_id, unit, in_lots, pending, held, debt, earned, spent, amount_spent,
    purchases, visits, last_visit_at, remainder_numerator, remainder_denominator)
VALUES ($1, 'point', 0, 0, 0, 0, 0, 0, 0, 0, 0, $2, 0, 1)
"""
_PROFILE = """
INSERT INTO profiles (member_id, fields, consent, tags, names) VALUES ($1, $2, '{}', $3, $4)
"""


async def member(points: Points, number: int, **known: Any) -> str:
    """A member as an import would write one; seen `number` hours ago."""
    id, now = ids.new_id(), clock.now()
    card = known.pop("card", f"29{number:011d}")
    await points.pool.execute(
        _MEMBER, id, card, known.pop("external_id", None), known.pop("phone", None), now
    )
    await points.pool.execute(_ACCOUNT, id, now - timedelta(hours=number))
    tags, names = known.pop("tags", []), known.get("name", "")
    fields = "{" + ",".join(f'"{name}": "{text}"' for name, text in known.items()) + "}"
    await points.pool.execute(_PROFILE, id, fields, tags, names)
    return str(id)


async def found(points: Points, q: str, **more: Any) -> list[str]:
    """Everybody who is found, page after page."""
    members: list[str] = []
    after = None
    for _ in range(200):
        given = {**({"q": q} if q else {}), **more, **({"after": after} if after else {})}
        answer = await points.client.get("/v1/members", params=given, headers=owner())
        assert answer.status_code == 200, answer.text
        members += [each["id"] for each in answer.json()["items"]]
        after = answer.json()["next"]
        if after is None:
            return members
    raise AssertionError("it never ends")


async def pages(points: Points, q: str, limit: int) -> list[str]:
    """The same without the API, which would not let anybody ask so often."""
    members: list[str] = []
    async with points.pool.acquire() as connection:
        ranges, ready = await searching.ranges_of(connection, q)
        assert ready
        page = await searching.search(connection, ranges, None, limit, wanted=Filter())
        members += map(str, page.members)
        while page.next is not None:
            cursor = typed.read(typed.written(page.next), ranges)
            page = await searching.search(connection, ranges, cursor, limit, wanted=Filter())
            members += map(str, page.members)
    return members


async def test_a_number_is_found_from_its_beginning_and_by_its_last_digits(points: Points) -> None:
    one = await member(points, 1, card="2912345678903", phone="09012345678", external_id="Ａbc-77")
    await member(points, 2, card="2900000000017", phone="0312340000")
    for text in (
        *("29123", "2912345678903", "78903", "903", "0901", "090-1234", "０９０１", "+81 90 12"),
        *("5678", "45678", "abc", "ABC-7", "ａｂｃ－７７", "Ａbc-77"),
    ):
        assert await found(points, text) == [one], text
    assert one not in await found(points, "0000")


async def test_a_name_is_found_by_any_part_in_any_kana_and_width(points: Points) -> None:
    one = await member(points, 1, name="髙橋 ケン", name_kana="タカハシ　ケン", nickname="ＫＥＮ☆")
    for text in (
        *(
            "た",
            "たか",
            "タカハシ",
            "ﾀｶﾊｼ ｹ",
            "はしけ",
            "高橋",
            "髙橋ケ",
            "橋けん",
            "ken",
            "Ｋ",
            "☆",
        ),
        *("たかはし けん", "高橋　けん"),
    ):
        assert await found(points, text) == [one], text
    for text in ("けんた", "はした", "%", "_", "\\", "'"):
        assert await found(points, text) == [], text


async def test_the_name_in_line_finds_whoever_has_the_account(points: Points) -> None:
    await points.follow(USER)
    joined = await points.member(USER)

    async def named(name: str | None, hours: int) -> None:
        at = clock.now() + timedelta(hours=hours)
        await points.publish(new_event("/notify", RecipientNamed(USER, at, name)))

    async def is_found(q: str) -> bool:
        return await found(points, q) == [str(joined["id"])]

    await named("ﾊﾅちゃん", 1)
    await eventually(lambda: is_found("はなちゃん"), "not found by the name in LINE")
    await named("Hana", 2)
    await named("older", 0)
    await eventually(lambda: is_found("hana"), "not found by the new name")
    assert await found(points, "はなちゃん") == await found(points, "older") == []
    answer = await points.client.get("/v1/members?q=HANA", headers=owner())
    assert answer.json()["items"][0]["line_name"] == "Hana"
    await named(None, 3)

    async def gone() -> bool:
        return await found(points, "hana") == []

    await eventually(gone, "a name that LINE tells no more is still found")


async def test_exact_ones_come_first_then_beginnings_then_who_was_here_last(
    points: Points,
) -> None:
    within = await member(points, 1, name="小田中")
    late = await member(points, 5, name="田中 次郎")
    early = await member(points, 3, name="田中 一郎")
    exact = await member(points, 9, name="田中")
    assert await found(points, "田中") == [exact, early, late, within]


async def test_replaced_merged_and_freed_numbers_are_found_as_they_lead(points: Points) -> None:
    made = await points.client.post(
        "/v1/members", json={"phone": "09011112222"}, headers=owner("a")
    )
    one, old = made.json()["id"], made.json()["card"]
    path = f"/v1/members/{one}/card"
    answer = await points.client.post(path, json={"reason": "紛失"}, headers=owner("c"))
    assert answer.status_code == 201
    assert await found(points, old) == await found(points, answer.json()["card"]) == [one]
    other = await points.client.post(
        "/v1/members", json={"external_id": "kept"}, headers=owner("b")
    )
    body = {"absorb": {"id": one}, "reason": "同じ人"}
    path = f"/v1/members/{other.json()['id']}/merge"
    merged = await points.client.post(path, json=body, headers=owner("m"))
    assert merged.status_code == 201, merged.text
    assert await found(points, "1111-2222") == [other.json()["id"]]
    assert await found(points, "2222", status="merged") == []


async def test_filters_narrow_what_is_typed_and_what_is_not(points: Points) -> None:
    one = await member(points, 1, name="山田 一", tags=["常連"])
    two = await member(points, 2, name="山田 二")
    await points.pool.execute(
        "INSERT INTO ranks (member_id, code, since) VALUES ($1, 'silver', $2)", two, clock.now()
    )
    await points.pool.execute(
        """INSERT INTO purchases (member_id, id, entry_id, store, terminal_id, occurred_at,
            accepted_at, total, visits, points, purchase, context)
        VALUES ($1, $1, $1, 'main', $1, $2, $2, 1, 1, 1, '{}', '{}')""",
        one,
        clock.now(),
    )
    segment = {"name": "常連", "definition": {"tags": {"any": ["常連"]}}}
    saved = await points.client.put("/v1/segments/regulars", json=segment, headers=owner())
    assert saved.status_code == 200, saved.text
    for q in ({"q": "山"}, {"q": "田"}, {}):
        for wanted, who in (
            ({"tag": "常連"}, [one]),
            ({"rank": "silver"}, [two]),
            ({"store": "main"}, [one]),
            ({"segment": "regulars"}, [one]),
            ({"segment": "regulars", "rank": "silver"}, []),
            ({"status": "active"}, [one, two]),
            ({"status": "suspended"}, []),
        ):
            assert await found(points, **{"q": "", **q}, **wanted) == who, (q, wanted)
    unknown = await points.client.get("/v1/members?segment=nope", headers=owner())
    assert unknown.status_code == 404


async def test_what_is_no_cursor_and_who_may_not_search(points: Points) -> None:
    for query in ("q=a&after=nonsense", "q=a&after=W10", "after=nonsense"):
        answer = await points.client.get(f"/v1/members?{query}", headers=owner())
        assert answer.status_code == 422, query
    assert (await points.client.get("/v1/members?q=a", headers=pos())).status_code == 403
    blank = await points.client.get("/v1/members", params={"q": "\u0001"}, headers=owner())
    assert blank.json() == {"items": [], "next": None}


LETTERS = "あいア田中aA1２ﾊﾞ☆ 々-"


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).lower()
    kana = "".join(chr(ord(each) - 96) if "ァ" <= each <= "ヶ" else each for each in plain)
    return "".join(kana.split())


async def test_it_finds_whom_reading_all_names_finds_once_each(
    points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a plain reading of everything, in blocks so small that pages cross them."""
    monkeypatch.setattr(searching, "BLOCK", 7)
    dice = random.Random(11)
    names: dict[str, list[str]] = {}
    for number in range(60):
        texts = ["".join(dice.choices(LETTERS, k=dice.randint(1, 5))) for _ in range(3)]
        known = dict(zip(("name", "name_kana", "nickname"), texts, strict=True))
        names[await member(points, number, **known)] = [_folded(text) for text in texts]
    for _ in range(60):
        q = "".join(dice.choices(LETTERS, k=dice.randint(1, 3)))
        form = _folded(q)
        if not form:
            continue
        expected = {id for id, texts in names.items() if any(form in text for text in texts)}
        got = await pages(points, q, dice.choice((1, 3, 50)))
        assert len(got) == len(set(got)), q
        by_name = set(got) if not form.isdigit() else {id for id in got if id in expected}
        assert by_name == expected, q


async def test_members_of_before_are_found_as_before_until_they_are_taken_in(
    points: Points,
) -> None:
    """As after an upgrade: rows that no trigger has seen."""
    made = [await member(points, n, name=f"山田 {n}", phone=f"0901234567{n}") for n in range(5)]
    await points.pool.execute("DELETE FROM member_terms")
    await points.pool.execute(
        "INSERT INTO member_terms_due VALUES ('00000000-0000-0000-0000-000000000000')"
    )
    await points.pool.execute("UPDATE profiles SET names = replace(names, ' ', '')")
    assert await found(points, "山田", limit=2) == made
    assert await found(points, "090-1234-5673") == [made[3]]
    await points.pool.execute("UPDATE members SET phone = '0312340000' WHERE id = $1", made[0])
    while await searching.take_in(points.pool):
        pass
    assert await points.pool.fetchval("SELECT count(*) FROM member_terms_due") == 0
    assert sorted(await found(points, "山", limit=2)) == sorted(made)
    assert await found(points, "5673") == [made[3]]
    assert await found(points, "0000") == [made[0]]
