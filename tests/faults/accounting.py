"""Does what was recorded agree with what was bought? Computed apart from the product. Pure.

The shop of these tests gives one point for each ¥100 and 50 for joining, nothing else. Every
purchase of a member is worth another number of points, so each notice names its purchase. Each
function returns what is wrong, in words; an empty list is the only good answer.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

WELCOME = 50
LEVELS = (("bronze", "ブロンズ", 200), ("gold", "ゴールド", 700))

PROGRAM = {
    "currency": "JPY",
    "time_zone": "Asia/Tokyo",
    "accrual": {
        "base_amount": "tax_included",
        "rounding": "floor",
        "rules": [{"id": "base", "type": "spend", "per": 100, "points": 1}],
    },
    "ranks": {
        "window": {"type": "lifetime"},
        "levels": [
            {"code": code, "name": name, "requires": {"points_earned": points}}
            for code, name, points in LEVELS
        ],
    },
    "welcome": {"points": WELCOME},
}


@dataclass(frozen=True)
class Bought:
    """A purchase as the till knows it; `total` in yen."""

    key: str
    user: str
    total: int

    @property
    def points(self) -> int:
        return self.total // 100

    def told(self, cards: Mapping[str, str], at: str) -> dict[str, Any]:
        """What the till posts of it."""
        return {
            "store": "main",
            "member": {"card": cards[self.user]},
            "occurred_at": at,
            "total": self.total,
            "tax": self.total // 11,
        }


class Entry(NamedTuple):
    """A row of the ledger; `cause` is the id of the purchase, or of the welcome."""

    user: str
    cause: str
    kind: str
    source: str
    amount: int


class Account(NamedTuple):
    """What the product says that a member has: points to spend, card number, rank's code."""

    balance: int
    card: str
    rank: str | None


class Undelivered(NamedTuple):
    """A message that notify does not call delivered, with its last way (reply or push)."""

    user: str
    kind: str
    via: str | None
    status: str
    reason: str | None

    @property
    def is_lost_reply(self) -> bool:
        """Whether it is a reply of unknown outcome. LINE gives replies no retry key: when nothing
        is learnt within the token's minute, it can neither be repeated nor be called delivered."""
        return self.via != "push" and self.status == "unknown"


class Landing(NamedTuple):
    """A message that arrived on a phone; `text` is its first words."""

    user: str
    kind: str
    retry_key: str | None
    text: str


class Told(NamedTuple):
    """A message understood: `points` and `balance` as they stand in it, `name` a rank or card."""

    what: str
    points: int = 0
    balance: int = 0
    name: str = ""


_EARNED = re.compile(r"([0-9,]+) ポイントが付きました（残高 ([0-9,]+) ポイント）")
_JOINED = re.compile(
    r"ご登録ありがとうございます！ウェルカムポイントを ([0-9,]+) ポイントお贈りしました"
    r"（残高 ([0-9,]+) ポイント、会員番号 ([0-9]{13})）"
)
_RANK = re.compile(r"おめでとうございます！ランクが「(.+)」になりました")


def understood(text: str) -> Told:
    """What a message says. Raises ValueError for one that these tests never cause."""
    if found := _EARNED.fullmatch(text):
        return Told("earned", _number(found[1]), _number(found[2]))
    if found := _JOINED.match(text):
        return Told("joined", _number(found[1]), _number(found[2]), found[3])
    if found := _RANK.fullmatch(text):
        return Told("rank", name=found[1])
    raise ValueError(text)


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def acknowledgements(bought: Iterable[Bought], acks: Mapping[str, Collection[str]]) -> list[str]:
    """Every purchase was taken, under one id however often it was sent, no two under the same."""
    wrong: list[str] = []
    owners: dict[str, str] = {}
    for each in bought:
        ids = set(acks.get(each.key, ()))
        if len(ids) != 1:
            wrong.append(f"{each.key} was acknowledged under {len(ids)} ids")
        for id in ids:
            if owners.setdefault(id, each.key) != each.key:
                wrong.append(f"{each.key} and {owners[id]} share the id {id}")
    return wrong


def ledger(
    purchases: Mapping[str, Bought],
    users: Collection[str],
    entries: Sequence[Entry],
    accounts: Mapping[str, Account],
) -> list[str]:
    """Each purchase (by id) once, worth what it should be; each welcome once; nothing else."""
    wrong: list[str] = []
    times = Counter(entry.cause for entry in entries if entry.source == "purchase")
    wrong += [f"{id} is counted {times[id]} times" for id in purchases if times[id] != 1]
    welcomes = Counter(entry.user for entry in entries if entry.source == "welcome")
    wrong += [f"{user} has {welcomes[user]} welcomes" for user in users if welcomes[user] != 1]
    for entry in entries:
        wrong += _entry(entry, purchases)
    have = defaultdict(int, {user: account.balance for user, account in accounts.items()})
    for user, points in points_by_user(purchases.values(), users).items():
        if have[user] != points:
            wrong.append(f"{user} has {have[user]} points, should have {points}")
    return wrong


def _entry(entry: Entry, purchases: Mapping[str, Bought]) -> list[str]:
    if entry.source == "welcome":
        right = ("earn", WELCOME)
    elif entry.source == "purchase" and entry.cause in purchases:
        bought = purchases[entry.cause]
        right = ("earn", bought.points)
        if entry.user != bought.user:
            return [f"{entry.cause} went to {entry.user}, not to {bought.user}"]
    else:
        return [f"{entry.user} has an entry that nothing asked for: {entry}"]
    return [] if (entry.kind, entry.amount) == right else [f"{entry} should be {right}"]


def points_by_user(bought: Iterable[Bought], users: Collection[str]) -> dict[str, int]:
    """What each member should have: the welcome and a point for each ¥100 of each purchase."""
    points = dict.fromkeys(users, WELCOME)
    for each in bought:
        points[each.user] += each.points
    return points


def messages(
    bought: Iterable[Bought],
    users: Collection[str],
    landings: Sequence[Landing],
    accounts: Mapping[str, Account],
    uncertain: Collection[str] = (),
) -> list[str]:
    """Each member was told once of joining, of each purchase and of the rank that they have.

    To those in `uncertain` the welcome may not have come.
    """
    bought = list(bought)
    wrong = repeated_retry_keys(landings)
    told: dict[str, list[Told]] = {user: [] for user in users}
    for landing in landings:
        try:
            told[landing.user].append(understood(landing.text))
        except ValueError as problem:
            wrong.append(f"{landing.user} got a message that nothing asked for: {problem}")
    points: dict[str, list[int]] = {user: [] for user in users}
    for each in bought:
        points[each.user].append(each.points)
    earned = points_by_user(bought, users)
    for user in users:
        if user not in uncertain or any(each.what == "joined" for each in told[user]):
            wrong += _joined(user, told[user], accounts.get(user))
        wrong += _earned(user, told[user], points[user])
        wrong += _ranks(user, told[user], earned[user], accounts.get(user))
    return wrong


def repeated_retry_keys(landings: Iterable[Landing]) -> list[str]:
    """Two messages under one retry key are one message sent twice."""
    keys = Counter(landing.retry_key for landing in landings if landing.retry_key)
    return [f"the retry key {key} arrived {n} times" for key, n in keys.items() if n > 1]


def _joined(user: str, told: Sequence[Told], account: Account | None) -> list[str]:
    found = [each for each in told if each.what == "joined"]
    if len(found) != 1:
        return [f"{user} was welcomed {len(found)} times"]
    card = account.card if account else None
    right = Told("joined", WELCOME, WELCOME, card or "")
    return [] if found[0] == right else [f"{user} was told {found[0]}, not {right}"]


def _earned(user: str, told: Sequence[Told], points: Sequence[int]) -> list[str]:
    """One notice a purchase, and their balances are those of some order of the purchases."""
    found = sorted((each.balance, each.points) for each in told if each.what == "earned")
    times, right = Counter(points for _, points in found), Counter(points)
    wrong = [
        f"{user} was told {times[each]} times of a purchase of {each} points, not {right[each]}"
        for each in sorted(times.keys() | right.keys())
        if times[each] != right[each]
    ]
    balance = WELCOME
    for after, earned in found:
        balance += earned
        if after != balance and not wrong:
            wrong.append(f"{user} was told a balance of {after}, not {balance}")
    return wrong


def _ranks(user: str, told: Sequence[Told], earned: int, account: Account | None) -> list[str]:
    """The rank they have was told once; one that they passed through at most once.

    Ranks are recomputed from facts, so a member may well go from none to the highest at once.
    """
    reached = [(code, name) for code, name, points in LEVELS if earned >= points]
    final = reached[-1][0] if reached else None
    rank = account.rank if account else None
    wrong = [] if rank == final else [f"{user} has the rank {rank}, should have {final}"]
    times = Counter(each.name for each in told if each.what == "rank")
    for code, name, _ in LEVELS:
        most = 1 if (code, name) in reached else 0
        least = 1 if code == final else 0
        if not least <= times.pop(name, 0) <= most:
            wrong.append(f"{user} was told wrongly often of the rank {name}")
    return wrong + [f"{user} was told of an unknown rank {name}" for name in times]
