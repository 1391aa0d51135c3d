"""What waits in the services' tables for too long."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from deploy.doctor.findings import Finding, bad, good
from services.notify.store import overdue
from services.notify.store.claims import NOTICES
from services.points.nights import retention
from services.points.store import ledger_checks, watching
from services.scheduler.store import items
from services.webhook import store as webhook_store
from shared import months, outbox
from shared.db import Pool

LATE = timedelta(minutes=1)
NIGHT = timedelta(hours=3)
DAY = timedelta(hours=27)
TWO_DAYS = timedelta(hours=50)

Look = Callable[["Pool[Any]", datetime], Awaitable[Finding]]


def _outbox(service: str) -> Look:
    async def look(pool: "Pool[Any]", now: datetime) -> Finding:
        found = await outbox.waiting(pool)
        age = _age(found.since, now)
        ja, en = f"{service}: {found.count} 件", f"{service}: {found.count} waiting"
        if age <= LATE:
            return good("outbox", f"{ja}。", f"{en}.")
        return bad(
            "outbox",
            f"{ja}、最も古いものは {_ja(age)}前です。ブローカーに届いていません。",
            f"{en}, the oldest for {_en(age)}: they do not get to the broker.",
            "docs/runbooks/TamaruOutboxOld.md",
        )

    return look


async def _spool(pool: "Pool[Any]", now: datetime) -> Finding:
    count, since = await webhook_store.spool_waiting(pool)
    age = _age(since, now)
    if age <= LATE:
        ja, en = "受付済みの購入は滞っていません。", "What was accepted is handed on."
        return good("purchases", ja, en)
    return bad(
        "purchases",
        f"受付済みの {count} 件がブローカーを待っています(最長 {_ja(age)})。失われません。",
        f"{count} accepted event(s) wait for the broker, the oldest for {_en(age)}. None is lost.",
        "docs/runbooks/TamaruPurchasesWait.md",
    )


async def _night(pool: "Pool[Any]", now: datetime) -> Finding:
    work = await watching.work(pool)
    running = max(_age(work.night_since, now), _age(work.ranking_since, now))
    if running > NIGHT:
        return bad(
            "night",
            f"夜間処理またはランク計算が {_ja(running)}前から終わっていません。",
            f"The night or a run of ranks has been going on for {_en(running)}.",
            "docs/runbooks/TamaruRanksLate.md",
        )
    if work.last_night is not None and _age(work.last_night, now) > DAY:
        return bad(
            "night",
            f"最後の夜間処理は {_ja(_age(work.last_night, now))}前です。毎晩動くはずです。",
            f"The last night was {_en(_age(work.last_night, now))} ago; there should be one a day.",
            "docs/runbooks/TamaruNightMissing.md",
        )
    ja, en = "夜間処理に遅れはありません。", "Neither the night nor ranks are late."
    return good("night", ja, en)


async def _ledger(pool: "Pool[Any]", now: datetime) -> Finding:
    last = await ledger_checks.last(pool)
    age = _age(last.finished_at or last.asked_at, now)
    if last.differences:
        return bad(
            "ledger",
            f"{_ja(age)}前の全件検査で {last.differences} 件の不一致が見つかりました。",
            f"The whole check {_en(age)} ago found {last.differences} difference(s).",
            "docs/runbooks/TamaruLedgerDiffers.md",
        )
    if age > TWO_DAYS:
        return bad(
            "ledger",
            f"台帳の全件検査が {_ja(age)}終わっていません。毎晩終わるはずです。",
            f"The whole ledger was not checked for {_en(age)}; it should be, each night.",
            "docs/runbooks/TamaruLedgerUnchecked.md",
        )
    if last.finished_at is None:
        ja, en = "最初の夜間処理の後に検査されます。", "It is checked after the first night."
        return good("ledger", ja, en)
    return good(
        "ledger",
        f"{_ja(age)}前に全会員 {last.members} 人を検査し、一致しました。",
        f"All {last.members} members were checked {_en(age)} ago: it adds up.",
    )


async def _months(pool: "Pool[Any]", now: datetime) -> Finding:
    ahead = min([await months.ahead(pool, each.table, now) for each in retention.BY_MONTH])
    if ahead >= months.ENOUGH:
        ja, en = (
            f"{ahead} か月先まで用意されています。",
            f"Logs have room for {ahead} months ahead.",
        )
        return good("logs", ja, en)
    return bad(
        "logs",
        f"記録用の月別の区画が {ahead} か月先までしかありません。記録は失われません。",
        f"Logs have their months for {ahead} month(s) ahead only. Nothing is lost meanwhile.",
        "points-awards makes them once an hour: docker compose logs points-awards | grep month",
    )


async def _messages(pool: "Pool[Any]", now: datetime) -> Finding:
    since = (await overdue.waiting_since(pool, now, NOTICES)).values()
    age = _age(min((each for each in since if each), default=None), now)
    if age <= 5 * LATE:
        ja, en = "通知に遅れはありません。", "Notices are not late."
        return good("messages", ja, en)
    return bad(
        "messages",
        f"お客様への通知が {_ja(age)}遅れています。",
        f"Notices to customers are {_en(age)} late.",
        "docs/runbooks/TamaruNoticesLate.md",
    )


async def _scheduler(pool: "Pool[Any]", now: datetime) -> Finding:
    async with pool.acquire() as connection:
        age = _age(await items.next_item(connection), now)
    if age <= LATE:
        ja, en = "予定の処理に遅れはありません。", "Nothing that is due is late."
        return good("scheduler", ja, en)
    return bad(
        "scheduler",
        f"予定の処理が {_ja(age)}遅れています。scheduler-worker が動いているか確かめてください。",
        f"What is due is {_en(age)} late. Does scheduler-worker run?",
        "docs/runbooks/TamaruSchedulerLate.md",
    )


LOOKS: dict[str, tuple[Look, ...]] = {
    "webhook": (_outbox("webhook"), _spool),
    "points": (_outbox("points"), _night, _ledger, _months),
    "notify": (_outbox("notify"), _messages),
    "scheduler": (_outbox("scheduler"), _scheduler),
}
"""Service → what to look at in its schema."""


def _age(since: datetime | None, now: datetime) -> timedelta:
    return max(timedelta(), now - since) if since is not None else timedelta()


def _ja(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{minutes} 分" if minutes < 120 else f"{minutes // 60} 時間"


def _en(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
