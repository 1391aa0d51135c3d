"""The verdict finds what is lost, doubled or wrong, and nothing in a day that went well."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.accounting import WELCOME, Account, Entry, Landing, Undelivered
from tests.faults.reckoning import Seen, Verdict, counted, judge

USER = "U1"
JOINED = (
    f"ご登録ありがとうございます！ウェルカムポイントを {WELCOME} ポイントお贈りしました"
    f"（残高 {WELCOME} ポイント、会員番号 2000000000015）"
)
LINES: list[dict[str, Any]] = [
    {"what": "purchase", "key": "p", "user": USER, "points": 30, "id": "P", "told": None},
    {"what": "purchase", "key": "p", "user": USER, "points": 30, "id": "P", "told": 30},
    {
        "what": "spend",
        "key": "s",
        "user": USER,
        "points": 20,
        "way": "capture",
        "id": "S",
        "status": "captured",
    },
    {
        "what": "spend",
        "key": "v",
        "user": USER,
        "points": 20,
        "way": "void",
        "id": "V",
        "status": "voided",
    },
    {
        "what": "spend",
        "key": "n",
        "user": USER,
        "points": 999,
        "way": "once",
        "id": None,
        "status": "refused",
    },
    {"what": "question", "user": USER},
]
ENTRIES = (
    Entry(USER, "W", "earn", "welcome", WELCOME),
    Entry(USER, "P", "earn", "purchase", 30),
    Entry(USER, "S", "redeem", "redemption", -20),
)
LANDINGS = (
    Landing(USER, "reply", None, JOINED),
    Landing(USER, "push", "k1", "30 ポイントが付きました（残高 80 ポイント）"),
    Landing(USER, "push", "k2", "20 ポイントをご利用いただきました（残高 60 ポイント）"),
    Landing(USER, "reply", None, "残高 60 ポイント（あと140ポイントでブロンズ）"),
)
WELL = Seen(
    {USER: "2000000000015"}, ENTRIES, {USER: Account(60, "2000000000015", None)}, LANDINGS, ()
)


def test_a_day_that_went_well() -> None:
    assert judge(LINES, WELL) == Verdict()
    assert counted(LINES) == {"purchase": 1, "spend": 3, "question": 1}


LOST = Undelivered(USER, "balance", "reply", "unknown", None)
Change = Callable[[], Verdict]
BAD: dict[str, tuple[str, Change]] = {
    "a purchase without an entry": (
        "lost",
        lambda: judge(LINES, replace(WELL, entries=[ENTRIES[0], ENTRIES[2]])),
    ),
    "a purchase counted twice": (
        "doubled",
        lambda: judge(LINES, replace(WELL, entries=[*ENTRIES, ENTRIES[1]])),
    ),
    "one key, two purchases": (
        "doubled",
        lambda: judge([*LINES, {**LINES[0], "id": "Q"}], WELL),
    ),
    "an entry that nothing asked for": (
        "wrong",
        lambda: judge(
            LINES, replace(WELL, entries=[*ENTRIES, Entry(USER, "V", "redeem", "redemption", -20)])
        ),
    ),
    "a balance that does not follow": (
        "wrong",
        lambda: judge(LINES, replace(WELL, accounts={USER: Account(61, "2000000000015", None)})),
    ),
    "more spent than there was": (
        "wrong",
        lambda: judge([*LINES, {**LINES[2], "key": "t", "id": "T", "points": 100}], WELL),
    ),
    "a void that spent": (
        "wrong",
        lambda: judge([*LINES, {**LINES[3], "key": "w", "id": "X", "status": "captured"}], WELL),
    ),
    "a notice that never came": (
        "lost",
        lambda: judge(LINES, replace(WELL, landings=LANDINGS[:2])),
    ),
    "a notice that came twice": (
        "doubled",
        lambda: judge(LINES, replace(WELL, landings=[*LANDINGS, LANDINGS[1]])),
    ),
    "a message that nothing asked for": (
        "wrong",
        lambda: judge(LINES, replace(WELL, landings=[*LANDINGS, Landing(USER, "push", "k3", "?")])),
    ),
    "an answer that no till should get": (
        "wrong",
        lambda: judge([*LINES, {"what": "wrong", "text": "500"}], WELL),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_bad_is_found(name: str) -> None:
    how, make = BAD[name]
    assert getattr(make(), how)


def test_a_reply_that_notify_itself_calls_unknown_is_excused_and_no_other() -> None:
    without = replace(WELL, landings=LANDINGS[:3])
    assert judge(LINES, without).lost
    assert judge(LINES, replace(without, undelivered=[LOST])).clean
    assert judge(LINES, replace(without, undelivered=[LOST._replace(via="push")])).lost
