"""Lost, doubled or wrong? Found from what was acknowledged, apart from the product. Pure.

Works on the raw records of a day (`day.Record`), the rows of the ledger and what arrived on the
phones. Unlike `accounting` it knows points that were spent and purchases that were returned, hence
says nothing of the balances in notices.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults import accounting
from tests.faults.accounting import LEVELS, WELCOME, Account, Entry, Landing, Undelivered

Line = Mapping[str, Any]


@dataclass
class Verdict:
    """What is not as it should be, in words, by the way in which it is not."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def times(self, what: str, found: int, wanted: int, least: int | None = None) -> None:
        """Note when `what` is there too seldom or too often; `least` if that is fewer."""
        if found < (wanted if least is None else least):
            self.lost.append(f"{what}: {found} of {wanted}")
        elif found > wanted:
            (self.doubled if wanted else self.wrong).append(f"{what}: {found}, not {wanted}")


@dataclass(frozen=True)
class Seen:
    """What the product made of it."""

    cards: Mapping[str, str]
    entries: Sequence[Entry]
    accounts: Mapping[str, Account]
    landings: Sequence[Landing]
    undelivered: Sequence[Undelivered]


@dataclass
class Due:
    """What should have come of a day: effects by (cause, source), and notices by member."""

    amounts: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    notices: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    returned: set[str] = field(default_factory=set)  # members with returns


def judge(lines: Sequence[Line], seen: Seen) -> Verdict:
    """Everything that is not as it should be."""
    verdict = Verdict()
    verdict.wrong += [line["text"] for line in lines if line["what"] == "wrong"]
    due = _due(lines, verdict)
    _ledger(due, seen, verdict)
    _messages(due, seen, verdict)
    return verdict


def _due(lines: Sequence[Line], verdict: Verdict) -> Due:
    due = Due()
    owners: dict[str, str] = {}
    for line in lines:
        if line.get("id") and owners.setdefault(line["id"], line["key"]) != line["key"]:
            verdict.wrong.append(f"{line['key']} and {owners[line['id']]} share {line['id']}")
    for line in _once(lines, "purchase", verdict):
        _expect(due, line, "purchase", line["points"], f"earned {line['points']}")
    for line in _once(lines, "return", verdict):
        _expect(due, line, "refund", -line["points"], "returned")
        due.returned.add(line["user"])
    for line in _once(lines, "spend", verdict):
        if line["status"] == "captured":
            _expect(due, line, "redemption", -line["points"], f"spent {line['points']}")
    for line in lines:
        if line["what"] == "question":
            due.notices[line["user"]]["answer"] += 1
        if line.get("told") not in (None, line.get("points")):
            verdict.wrong.append(f"{line['key']} was told {line['told']} points")
    return due


def _expect(due: Due, line: Line, source: str, amount: int, notice: str) -> None:
    due.amounts[line["id"], source] = (line["user"], amount)
    due.notices[line["user"]][notice] += 1


def _once(lines: Sequence[Line], what: str, verdict: Verdict) -> list[Line]:
    """Each key's answer; a repeat must have named the same thing. Who was refused may try again,
    so a success is what counts."""
    by_key: dict[str, Line] = {}
    for line in lines:
        if line["what"] != what or line.get("status") in ("refused", "wrong"):
            continue
        first = by_key.setdefault(line["key"], line)
        if first["id"] != line["id"]:
            verdict.doubled.append(f"{line['key']} has two ids")
        ends = {"once": "captured", "capture": "captured", "void": "voided"}
        if what == "spend" and line["status"] != ends[line["way"]]:
            verdict.wrong.append(f"{line['key']} ({line['way']}) is {line['status']}")
    return list(by_key.values())


def _ledger(due: Due, seen: Seen, verdict: Verdict) -> None:
    """Each effect once, of the right member and amount, nothing else; balances that follow."""
    found = Counter((entry.cause, entry.source) for entry in seen.entries)
    for cause, (_, amount) in due.amounts.items():
        if amount:
            verdict.times(f"{cause[1]} {cause[0]} in the ledger", found[cause], 1)
    for entry in seen.entries:
        if entry.source != "welcome":
            right = due.amounts.get((entry.cause, entry.source))
            if right is None:
                verdict.wrong.append(f"nothing asked for {entry}")
            elif right != (entry.user, entry.amount):
                verdict.wrong.append(f"{entry} should be {right}")
    points = dict.fromkeys(seen.cards, WELCOME)
    for user, amount in due.amounts.values():
        points[user] += amount
    for user, wanted in points.items():
        account = seen.accounts.get(user)
        if account is None or account.balance != wanted:
            verdict.wrong.append(f"{user} has {account}, should have {wanted} points")
        if wanted < 0 and user not in due.returned:
            verdict.wrong.append(f"{user} spent more than there was: {wanted}")
    welcomes = Counter(entry.user for entry in seen.entries if entry.source == "welcome")
    for user in seen.cards:
        verdict.times(f"welcome of {user}", welcomes[user], 1)


_SPENT = re.compile(r"([0-9,]+) ポイントをご利用いただきました（残高 -?[0-9,]+ ポイント）")
_RETURNED = re.compile(r"返品にともないポイントを変更しました（残高 -?[0-9,]+ ポイント）")
_ANSWER = re.compile(r"残高 -?[0-9,]+ ポイント.*", re.DOTALL)
_EARNED = re.compile(r"([0-9,]+) ポイントが付きました（.+）")


def understood(text: str) -> str:
    """What a message is about, in the words of `Due.notices`. Raises ValueError for another."""
    if found := _EARNED.fullmatch(text):
        return f"earned {found[1].replace(',', '')}"
    if found := _SPENT.fullmatch(text):
        return f"spent {found[1].replace(',', '')}"
    if _RETURNED.fullmatch(text):
        return "returned"
    if _ANSWER.fullmatch(text):
        return "answer"
    told = accounting.understood(text)
    return f"rank {told.name}" if told.what == "rank" else told.what


def _messages(due: Due, seen: Seen, verdict: Verdict) -> None:
    """Each notice once on the right phone; ranks at most once, the one that they have once."""
    verdict.doubled += accounting.repeated_retry_keys(seen.landings)
    verdict.lost += [f"not delivered: {e}" for e in seen.undelivered if not e.is_lost_reply]
    excused = Counter(each.user for each in seen.undelivered if each.is_lost_reply)
    told = _told(seen.landings, verdict)
    for user in seen.cards:
        wanted = due.notices[user] + Counter(joined=1)
        found = told[user]
        ranks = {what: found.pop(what) for what in list(found) if what.startswith("rank ")}
        for what in wanted.keys() | found.keys():
            is_reply = what in ("answer", "joined")
            least = wanted[what] - excused[user] * is_reply
            verdict.times(f"{what} told to {user}", found[what], wanted[what], least)
        _ranks(user, ranks, user in due.returned, seen.accounts.get(user), verdict)


def _told(landings: Iterable[Landing], verdict: Verdict) -> dict[str, Counter[str]]:
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for landing in landings:
        try:
            told[landing.user][understood(landing.text)] += 1
        except ValueError as problem:
            verdict.wrong.append(f"{landing.user} got what nothing asked for: {problem}")
    return told


def _ranks(
    user: str,
    told: Mapping[str, int],
    returned: bool,
    account: Account | None,
    verdict: Verdict,
) -> None:
    """Who returned things may have had a rank for a moment, or not, as the order was."""
    names = {code: name for code, name, _ in LEVELS}
    has = names.get(account.rank or "") if account else None
    for name in names.values():
        found = told.get(f"rank {name}", 0)
        least = 1 if name == has and not returned else 0
        verdict.times(f"rank {name} told to {user}", found, 1, least)


def counted(lines: Iterable[Line]) -> Counter[str]:
    """How many purchases, redemptions, returns and questions were acknowledged."""
    seen: set[tuple[str, str]] = set()
    found: Counter[str] = Counter()
    for line in lines:
        if line["what"] == "question":
            found["question"] += 1
        elif line["what"] != "wrong" and (line["what"], line["key"]) not in seen:
            seen.add((line["what"], line["key"]))
            found[line["what"]] += 1
    return found
