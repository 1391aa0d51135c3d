"""Rich menus: made, linked, kept in step through crashes and whatever happens at LINE."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from services.notify.menus import client, linking, syncing
from services.notify.menus.client import LineUnavailable
from services.notify.menus.handlers import MENU_HANDLERS
from services.notify.store import menu_links
from services.notify.store import menus as store
from services.notify.store import personal as store_personal
from shared import clock
from shared.bus.handling import Batch
from shared.events import (
    MemberLeft,
    MemberLinked,
    MemberReturned,
    MemberStatusChanged,
    MemberUnlinked,
    new_event,
)
from tests.integration.notify.menus_house import (
    Shop,
    joined,
    member,
    open_shop,
    ranked,
    shipped,
    user,
)

MANY = 5000
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls go out at once, and again at once."""
    monkeypatch.setattr(client, "CALLS_PER_SECOND", 1e6)
    monkeypatch.setattr(linking, "FIRST_DELAY", timedelta())


@pytest.fixture
async def shop(database: Any) -> AsyncIterator[Shop]:
    async with open_shop(database) as shop:
        yield shop


async def test_an_account_keeps_its_own_menu_until_its_owner_asks(shop: Shop) -> None:
    careful = Shop(shop.pool, shop.line, shop.client, at_start=False)
    await careful.steps()
    assert shop.line.menus == {}
    assert shop.line.default is None
    await store.ask(shop.pool)
    await careful.steps()
    assert shop.line.default is not None


async def test_the_shipped_menus_are_made_and_shown(shop: Shop) -> None:
    await shop.steps()
    names = sorted(menu["name"].split("/")[1] for menu in shop.line.menus.values())
    assert names == ["gold-en", "gold-ja", "member-en", "member-ja", "silver-en", "silver-ja"]
    assert shop.line.images.keys() == shop.line.menus.keys()
    assert shop.line.menu_of(user(1)) == "member-ja"
    actions = [area["action"] for area in shop.line.menus[shop.line.default or ""]["areas"]]
    assert actions[0] == {"type": "uri", "label": "会員証", "uri": "https://shop.example.jp/card"}
    before = len(shop.line.calls)
    await shop.steps()
    assert len(shop.line.calls) == before, "nothing changed, so nothing is asked of LINE"


async def test_a_rank_brings_its_menu_and_takes_it_again(shop: Shop) -> None:
    await shop.tell(joined(1), joined(2))
    await shop.tell(ranked(1, "gold"))
    await shop.steps()
    assert (shop.line.menu_of(user(1)), shop.line.menu_of(user(2))) == ("gold-ja", "member-ja")
    await shop.tell(ranked(1, "silver"), ranked(2, "bronze"))
    await shop.steps()
    assert (shop.line.menu_of(user(1)), shop.line.menu_of(user(2))) == ("silver-ja", "member-ja")
    await shop.tell(ranked(1, None))
    await shop.steps()
    assert user(1) not in shop.line.links


async def test_what_is_heard_late_or_before_the_member_counts_as_it_should(shop: Shop) -> None:
    await shop.tell(ranked(1, "gold"))
    await shop.tell(ranked(1, "silver", before=HOUR))
    await shop.tell(joined(1))
    await shop.steps()
    assert shop.line.menu_of(user(1)) == "gold-ja"


async def test_states_decide_too(shop: Shop) -> None:
    await shop.sync.step()
    await shop.put(shipped("member-ja", name="linked", applies={"states": ["linked"]}))
    await shop.put(shipped("member-ja", name="pause", applies={"states": ["suspended"]}))
    await shop.put(shipped("member-ja", name="bye", applies={"states": ["left"]}))
    await shop.tell(joined(1))
    now, card = clock.now(), "2900000000016"

    async def then(data: Any) -> str:
        await shop.tell(new_event("/points", data))
        await shop.steps()
        return shop.line.menu_of(user(1))

    me, own = member(1), member(2)
    assert await then(MemberLinked(me, card, 0, now, line_user_id=user(1))) == "linked"
    assert await then(MemberStatusChanged(me, "suspended", "active", user(1))) == "linked"
    assert await then(MemberUnlinked(own, me, card, 0, now + HOUR, user(1))) == "member-ja"
    assert await then(MemberStatusChanged(own, "suspended", "active", user(1))) == "pause"
    assert await then(MemberLeft(own, card, 0, now + HOUR, user(1))) == "bye"


async def test_five_thousand_ranks_move_in_ten_calls_by_two_processes(shop: Shop) -> None:
    await shop.sync.step()
    await shop.tell(*(joined(number) for number in range(MANY)))
    await shop.tell(*(ranked(number, "gold") for number in range(MANY)))
    shop.line.calls.clear()
    await asyncio.gather(_all(shop), _all(shop.another()))
    calls = shop.line.count("bulk_link")
    assert calls in (MANY / 500, MANY / 500 + 1)  # the last page may fall to both, in two parts
    assert len(shop.line.calls) == calls
    assert {shop.line.menu_of(user(number)) for number in range(MANY)} == {"gold-ja"}


async def _all(shop: Shop) -> None:
    while await shop.linker.step():
        pass


async def test_a_changed_definition_moves_everybody_and_the_old_one_goes(shop: Shop) -> None:
    await shop.tell(*(joined(number) for number in range(1200)))
    await shop.tell(*(ranked(number, "gold") for number in range(1200)))
    await shop.steps()
    (old,) = shop.line.ids("gold-ja")
    await shop.put(shipped("gold-ja", chatBarText="会員メニュー"))
    await shop.sync.step()
    assert len(shop.line.ids("gold-ja")) == 2, "the old one stays until nobody has it"
    await shop.steps()
    (new,) = shop.line.ids("gold-ja")
    assert new != old
    assert set(shop.line.links.values()) == {new}
    await shop.put(shipped("gold-ja", chatBarText="会員メニュー"))
    await shop.steps()
    assert shop.line.ids("gold-ja") == [new], "the same again is nothing new"


async def test_a_removed_menu_is_taken_from_everybody(shop: Shop) -> None:
    await shop.tell(joined(1), joined(2))
    await shop.tell(ranked(1, "gold"))
    await shop.steps()
    await shop.remove("gold-ja")
    await shop.remove("member-ja")
    await shop.steps()
    await shop.steps()
    assert shop.line.links == {}
    assert shop.line.default is None
    assert shop.line.ids("gold-ja") == shop.line.ids("member-ja") == []
    assert await shop.pool.fetchval("SELECT count(*) FROM menus") == 4


@pytest.mark.parametrize("fate", ["500", "rate", "401", "lost"])
async def test_what_line_does_not_take_or_answer_is_done_again(
    shop: Shop, fate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking, "LOCKED_OUT_DELAY", timedelta())
    await shop.sync.step()
    await shop.tell(joined(1))
    await shop.tell(ranked(1, "gold"))
    shop.line.script = [fate, fate]
    await shop.linker.step()
    await shop.linker.step()
    assert shop.line.count("bulk_link") == 2
    await shop.steps()
    assert shop.line.menu_of(user(1)) == "gold-ja"
    row = await shop.pool.fetchrow("SELECT due_at, leased_until, tries FROM menu_links")
    assert tuple(row) == (None, None, 0)


@pytest.mark.parametrize("call", [1, 2, 3, 12, 13])
async def test_a_crash_or_a_lost_answer_anywhere_leaves_each_menu_once(
    shop: Shop, call: int
) -> None:
    shop.line.script = [""] * call + ["lost"]
    with pytest.raises(LineUnavailable):
        await shop.sync.step()
    await shop.steps()
    names = [menu["name"] for menu in shop.line.menus.values()]
    assert len(names) == len(set(names)) == 6
    assert shop.line.images.keys() == shop.line.menus.keys()
    assert shop.line.menu_of(user(1)) == "member-ja"


async def test_a_process_that_died_while_linking_is_followed_by_another(shop: Shop) -> None:
    await shop.sync.step()
    await shop.tell(joined(1))
    await shop.tell(ranked(1, "gold"))
    now = clock.now()
    assert await menu_links.claim(shop.pool, "gold-ja", now, now + linking.LEASE) == [user(1)]
    await _all(shop)
    assert shop.line.menu_of(user(1)) == "member-ja", "the dead one's lease holds"
    clock.set_offset(linking.LEASE + timedelta(seconds=1))
    await _all(shop)
    assert shop.line.menu_of(user(1)) == "gold-ja"


async def test_a_rank_that_moves_while_linking_is_linked_after_it(shop: Shop) -> None:
    await shop.sync.step()
    await shop.tell(joined(1))
    await shop.tell(ranked(1, "gold"))
    now = clock.now()
    await menu_links.claim(shop.pool, "gold-ja", now, now + linking.LEASE)
    await shop.tell(ranked(1, "silver"))
    await _all(shop)
    assert user(1) not in shop.line.links, "not beside a call that may still be under way"
    async with shop.pool.acquire() as connection:
        await menu_links.done(connection, [user(1)], "richmenu-x", "gold-ja", clock.now())
    await _all(shop)
    assert shop.line.menu_of(user(1)) == "silver-ja"


async def test_one_whom_line_refuses_does_not_keep_the_others(shop: Shop) -> None:
    await shop.sync.step()
    await shop.tell(*(joined(number) for number in range(100)))
    await shop.tell(*(ranked(number, "gold") for number in range(100)))
    shop.line.strangers = {user(37)}
    await shop.steps()
    assert set(shop.line.links) == {user(number) for number in range(100)} - {user(37)}
    problem = await shop.pool.fetchval(
        "SELECT problem FROM menu_links WHERE line_user_id = $1", user(37)
    )
    assert problem == "LINE answered 400: invalid user id"
    assert shop.line.count("bulk_link") < 20


async def test_a_menu_deleted_by_hand_is_made_again_when_somebody_is_linked(shop: Shop) -> None:
    await shop.tell(joined(1), joined(2))
    await shop.tell(ranked(1, "gold"))
    await shop.steps()
    shop.line.drop(shop.line.ids("gold-ja")[0])
    await shop.tell(ranked(2, "gold"))
    await shop.steps()
    await shop.steps()
    assert [shop.line.menu_of(user(number)) for number in (1, 2)] == ["gold-ja", "gold-ja"]


async def test_a_look_finds_what_was_done_by_hand_and_mends_it(shop: Shop) -> None:
    await shop.tell(*(joined(number) for number in range(6)))
    await shop.tell(*(ranked(number, "gold") for number in range(3)))
    await shop.tell(ranked(3, "silver"))
    await shop.steps()
    line, (gold,) = shop.line, shop.line.ids("gold-ja")
    line.drop(line.ids("silver-ja")[0])
    line.default = gold
    del line.links[user(0)]
    line.links[user(1)] = line.ids("member-en")[0]
    other = {**line.menus[gold], "name": "made by somebody else"}
    line.menus |= {"richmenu-stray": dict(line.menus[gold]), "richmenu-other": other}
    await shop.steps()
    assert line.menu_of(user(0)) == "gold-ja", "seen: the default is another; not looked at yet"
    clock.set_offset(syncing.LOOK_EVERY + timedelta(minutes=1))
    await shop.steps()
    shown = [line.menu_of(user(number)) for number in range(6)]
    assert shown == ["gold-ja"] * 3 + ["silver-ja"] + ["member-ja"] * 2
    assert line.links[user(0)] == gold
    assert "richmenu-stray" not in line.menus
    assert "richmenu-other" in line.menus, "not ours"
    assert await shop.looks() == [
        "1 rich menu(s) had been deleted at LINE: made again",
        "1 rich menu(s) at LINE that nobody uses: deleted",
        "2 person(s) had another rich menu than LINE was told: linked again",
        "LINE showed another default rich menu: set again",
    ]
    clock.set_offset(3 * syncing.LOOK_EVERY)
    await shop.steps()
    assert len(await shop.looks()) == 4, "mended, so nothing is found"


async def test_who_comes_back_is_linked_again(shop: Shop) -> None:
    await shop.tell(joined(1))
    await shop.tell(ranked(1, "gold"))
    await shop.steps()
    shop.line.links.clear()
    await shop.tell(new_event("/points", MemberReturned(member(1), "29", 0, user(1))))
    await shop.steps()
    assert shop.line.menu_of(user(1)) == "gold-ja"


async def test_an_erased_person_is_gone_once_line_took_the_menu_back(shop: Shop) -> None:
    await shop.tell(joined(1), joined(2))
    await shop.tell(ranked(1, "gold"))
    await shop.steps()
    async with shop.pool.acquire() as connection, connection.transaction():
        gone = [(user(1), clock.now()), (user(2), clock.now())]
        await store_personal.erase(connection, gone)
    rows = await shop.pool.fetch("SELECT line_user_id, member_id, wanted FROM menu_links")
    assert [tuple(row) for row in rows] == [(user(1), None, "")]
    await shop.steps()
    assert shop.line.links == {}
    assert await shop.pool.fetchval("SELECT count(*) FROM menu_links") == 0


async def test_a_copy_of_what_is_known_of_somebody_has_their_menu(shop: Shop) -> None:
    await shop.sync.step()
    await shop.tell(joined(1), joined(2))
    await shop.tell(ranked(1, "gold"))
    async with shop.pool.acquire() as connection:
        known = await store_personal.known(connection, [user(1)])
    assert known["rich_menus"] == [{"menu": "gold-ja", "has_card": False, "has_left": False}]


WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'menus'::regclass AND NOT granted"


async def test_who_is_learnt_of_while_a_definition_changes_is_not_forgotten(shop: Shop) -> None:
    await shop.sync.step()
    await shop.tell(ranked(1, "platinum"))
    async with shop.pool.acquire() as connection:
        async with connection.transaction():
            await MENU_HANDLERS["member.joined.v1"](Batch(connection), [joined(1)])
            document = shipped("gold-ja", name="platinum", applies={"ranks": ["platinum"]})
            change = asyncio.create_task(shop.put(document))
            async with asyncio.timeout(15):
                while not change.done() and not await shop.pool.fetchval(WAITING):
                    await asyncio.sleep(0.01)
            if change.done():
                await shop.sync.step()  # all that there is to decide: the walk cannot see them
        await change
    await shop.steps()
    assert shop.line.menu_of(user(1)) == "platinum"


async def test_two_processes_keep_step_one_at_a_time(shop: Shop) -> None:
    done = await asyncio.gather(shop.sync.step(), shop.another().sync.step())
    assert sorted(done) == [False, True]
    assert len(shop.line.menus) == 6


async def test_a_language_is_followed_at_the_next_look(shop: Shop) -> None:
    await shop.tell(joined(1))
    await shop.steps()
    await shop.pool.execute(
        "INSERT INTO recipients (line_user_id, language, blocked, changed_at)"
        " VALUES ($1, 'en', false, $2)",
        user(1),
        clock.now(),
    )
    clock.set_offset(2 * syncing.LOOK_EVERY)
    await shop.steps()
    await shop.steps()
    assert shop.line.menu_of(user(1)) == "member-en"
