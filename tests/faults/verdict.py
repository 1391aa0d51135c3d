"""The verdict on a rush hour: wait for rest, read the raw records, and say all that is wrong."""

import asyncio
from collections.abc import Mapping, Sequence

import aiohttp

from deploy.local.files import write_json
from deploy.local.layout import DEFAULT_FOLDER
from deploy.local.stack import Stack
from tests.faults import accounting, records
from tests.faults.accounting import Account, Bought, Landing
from tests.faults.rush import Log

READERS = (
    "webhook-web",
    "points-awards",
    "points-ranks",
    "points-hooks",
    "notify-worker",
    "scheduler-worker",
)
"""Who has messages in hand that no queue shows."""

MOST_SHOWN = 20


async def verdict(
    session: aiohttp.ClientSession,
    stack: Stack,
    cards: Mapping[str, str],
    bought: Sequence[Bought],
    log: Log,
    *,
    seconds: float,
    lost_replies: int = 0,
    readers: Sequence[str] = READERS,
) -> tuple[list[str], list[Landing]]:
    """What is wrong (empty: nothing), and what the phones got.

    `seconds` is how long rest may take to come. Up to `lost_replies` welcomes sent as a reply may
    be of unknown outcome, if notify says so itself.
    """
    await records.rest(session, stack, seconds)
    queues = await asyncio.to_thread(_queues_without_readers, stack, readers)
    wrong = [f"{count} messages in {name}" for name, count in queues.items() if count]
    wrong += log.wrong + accounting.acknowledgements(bought, log.acks)
    purchases = {id: each for each in bought for id in log.acks[each.key]}
    entries, accounts, undelivered = await records.ledger(stack, cards)
    wrong += accounting.ledger(purchases, cards, entries, accounts)
    landings = await records.landings(session, stack, cards)
    excused = [each for each in undelivered if each.is_lost_reply][:lost_replies]
    uncertain = {each.user for each in excused}
    wrong += accounting.messages(bought, cards, landings, accounts, uncertain)
    wrong += _cards(cards, accounts)
    wrong += [f"not delivered: {each}" for each in undelivered if each not in excused]
    log.excused = len(excused)
    return wrong, landings


def _queues_without_readers(stack: Stack, readers: Sequence[str]) -> dict[str, int]:
    """The queues once every reader has gone: what was not acknowledged has come back to them."""
    for name in readers:
        stack.hold(name)
    try:
        return asyncio.run(records.queues(stack))
    finally:
        stack.release(*readers)
        stack.wait_ready(readers)


def _cards(cards: Mapping[str, str], accounts: Mapping[str, Account]) -> list[str]:
    """Those that the till used are the members', and no two members share one."""
    wrong = [user for user, card in cards.items() if accounts[user].card != card]
    shared = len(cards) - len(set(cards.values()))
    return [f"{user} has another card" for user in wrong] + [f"{shared} share a card"] * bool(
        shared
    )


def report(name: str, bought: Sequence[Bought], log: Log, landings: Sequence[Landing]) -> None:
    """Keep the figures of a run in `.local/reports`, and show them where output is shown."""
    figures = {
        "purchases": len(bought),
        "sendings acknowledged": log.acknowledged,
        "answers": {str(status): count for status, count in sorted(log.answers.items(), key=str)},
        "killed": [f"{name} after {count} acknowledgements" for name, count in log.killed],
        "messages": len(landings),
        "replies of unknown outcome": log.excused,
        "pushes while LINE failed": log.pushes,
    }
    folder = DEFAULT_FOLDER / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{name}.json", figures)
    print(name, figures)


def told(wrong: Sequence[str]) -> str:
    """What is wrong, not too long."""
    more = [f"… and {len(wrong) - MOST_SHOWN} more"] if len(wrong) > MOST_SHOWN else []
    return "\n".join([*wrong[:MOST_SHOWN], *more])
