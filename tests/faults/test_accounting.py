"""The checks of the fault runs themselves: each must fail on records that were doctored."""

from collections.abc import Callable

import pytest

from tests.faults import accounting
from tests.faults.accounting import Account, Bought, Entry, Landing, Undelivered

USERS = ("Ua", "Ub")
CARDS = {"Ua": "2900000000018", "Ub": "2900000000025"}
BOUGHT = {
    "p1": Bought("k1", "Ua", 10_099),
    "p2": Bought("k2", "Ua", 5_000),
    "p3": Bought("k3", "Ub", 70_050),
}
ACCOUNTS = {
    "Ua": Account(200, CARDS["Ua"], "bronze"),
    "Ub": Account(750, CARDS["Ub"], "gold"),
}


def entries() -> list[Entry]:
    welcomes = [Entry(user, f"welcome of {user}", "earn", "welcome", 50) for user in USERS]
    return welcomes + [
        Entry(each.user, id, "earn", "purchase", each.points) for id, each in BOUGHT.items()
    ]


def joined(user: str) -> Landing:
    text = (
        "ご登録ありがとうございます！ウェルカムポイントを 50 ポイントお贈りしました"
        f"（残高 50 ポイント、会員番号 {CARDS[user]}）"
    )
    return Landing(user, "reply", None, text)


def earned(user: str, key: str, points: int, balance: int) -> Landing:
    text = f"{points} ポイントが付きました（残高 {balance} ポイント）"
    return Landing(user, "push", key, text)


def ranked(user: str, key: str, name: str) -> Landing:
    return Landing(user, "push", key, f"おめでとうございます！ランクが「{name}」になりました")


def landings() -> list[Landing]:
    """Told in another order than earned, as may well be."""
    return [
        joined("Ua"),
        joined("Ub"),
        earned("Ua", "r2", 50, 200),
        earned("Ua", "r1", 100, 150),
        ranked("Ua", "r3", "ブロンズ"),
        earned("Ub", "r4", 700, 750),
        ranked("Ub", "r5", "ゴールド"),
    ]


def ledger_of(records: list[Entry], accounts: dict[str, Account] = ACCOUNTS) -> list[str]:
    return accounting.ledger(BOUGHT, USERS, records, accounts)


def messages_of(records: list[Landing], accounts: dict[str, Account] = ACCOUNTS) -> list[str]:
    return accounting.messages(BOUGHT.values(), USERS, records, accounts)


def test_right_records_are_right() -> None:
    assert ledger_of(entries()) == []
    assert messages_of(landings()) == []
    assert accounting.acknowledgements(
        BOUGHT.values(), {"k1": ["p1", "p1"], "k2": ["p2"], "k3": ["p3"]}
    ) == []  # fmt: skip


def test_a_rank_passed_through_may_be_told_too() -> None:
    assert messages_of([*landings(), ranked("Ub", "r6", "ブロンズ")]) == []


@pytest.mark.parametrize(
    "doctored",
    [
        pytest.param(lambda got: [*got, got[-1]], id="a purchase twice"),
        pytest.param(lambda got: got[:-1], id="a purchase lost"),
        pytest.param(lambda got: [*got, got[0]], id="a welcome twice"),
        pytest.param(lambda got: got[1:], id="a welcome lost"),
        pytest.param(lambda got: [*got[:-1], got[-1]._replace(amount=701)], id="a point too many"),
        pytest.param(lambda got: [*got[:-1], got[-1]._replace(user="Ua")], id="another member"),
        pytest.param(lambda got: [*got[:-1], got[-1]._replace(cause="p9")], id="another purchase"),
        pytest.param(lambda got: [*got, got[-1]._replace(source="api")], id="from nowhere"),
    ],
)
def test_a_doctored_ledger_is_caught(doctored: Callable[[list[Entry]], list[Entry]]) -> None:
    assert ledger_of(doctored(entries()))


def test_a_balance_that_is_not_the_sum_is_caught() -> None:
    doctored = ACCOUNTS | {"Ua": ACCOUNTS["Ua"]._replace(balance=199)}
    assert ledger_of(entries(), doctored) == ["Ua has 199 points, should have 200"]
    assert ledger_of(entries(), {"Ub": ACCOUNTS["Ub"]})


@pytest.mark.parametrize(
    "doctored",
    [
        pytest.param(lambda got: [*got, got[2]], id="a push twice"),
        pytest.param(
            lambda got: [*got, got[2]._replace(retry_key="other")], id="a push twice, another key"
        ),
        pytest.param(lambda got: [*got[:2], *got[3:]], id="a push lost"),
        pytest.param(lambda got: [*got, got[0]], id="a welcome twice"),
        pytest.param(lambda got: got[1:], id="a welcome lost"),
        pytest.param(lambda got: [joined("Ub")._replace(user="Ua"), *got[1:]], id="another's card"),
        pytest.param(lambda got: [*got[:3], earned("Ua", "r1", 100, 151), *got[4:]], id="balance"),
        pytest.param(lambda got: [*got[:3], earned("Ub", "r1", 100, 150), *got[4:]], id="crossed"),
        pytest.param(lambda got: got[:-1], id="a rank lost"),
        pytest.param(lambda got: [*got, ranked("Ub", "r9", "ゴールド")], id="a rank twice"),
        pytest.param(lambda got: [*got, ranked("Ua", "r9", "ゴールド")], id="a rank not reached"),
        pytest.param(lambda got: [*got, ranked("Ua", "r9", "プラチナ")], id="no such rank"),
        pytest.param(lambda got: [*got, Landing("Ua", "push", "r9", "やあ")], id="a stray message"),
    ],
)
def test_doctored_messages_are_caught(doctored: Callable[[list[Landing]], list[Landing]]) -> None:
    assert messages_of(doctored(landings()))


def test_a_rank_that_is_not_due_is_caught() -> None:
    assert messages_of(landings(), ACCOUNTS | {"Ua": ACCOUNTS["Ua"]._replace(rank="gold")})


@pytest.mark.parametrize(
    "acks",
    [
        {"k1": ["p1"], "k2": ["p2"]},
        {"k1": ["p1"], "k2": ["p2"], "k3": ["p3", "p4"]},
        {"k1": ["p1"], "k2": ["p2"], "k3": ["p2"]},
    ],
)
def test_doctored_acknowledgements_are_caught(acks: dict[str, list[str]]) -> None:
    assert accounting.acknowledgements(BOUGHT.values(), acks)


def test_an_uncertain_welcome_may_be_missing_but_not_come_twice() -> None:
    def wrong(records: list[Landing]) -> list[str]:
        return accounting.messages(BOUGHT.values(), USERS, records, ACCOUNTS, {"Ua"})

    assert wrong(landings()) == wrong(landings()[1:]) == []
    assert wrong([*landings(), joined("Ua")])
    assert wrong([each for each in landings() if each != joined("Ub")])
    assert wrong([*landings()[:2], *landings()[3:]])


def test_only_a_reply_of_unknown_outcome_is_excused() -> None:
    lost = Undelivered("Ua", "joined", "reply", "unknown", "expired")
    assert lost.is_lost_reply
    assert lost._replace(via=None).is_lost_reply
    assert not lost._replace(via="push").is_lost_reply
    assert not lost._replace(status="failed").is_lost_reply
