"""Asking LINE for its figures, as far as they are due, and keeping them.

LINE allows 60 questions an hour over all replicas, so each is claimed in the database before it is
asked, and asked again an hour later at the soonest.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from services.notify.statistics.insight_client import InsightClient, NotNow, Refused
from services.notify.statistics.questions import Question, of_now
from services.notify.store import insights as store
from shared import clock, logs
from shared.db import CONFLICTS, UNREACHABLE, Pool

log = logs.logger(__name__)

LOOK_SECONDS = 60.0
AGAIN = timedelta(hours=1)
AN_HOUR = timedelta(hours=1)
MOST_AN_HOUR = 50
"""Of LINE's 60: the rest is for whoever looks into something by hand."""


async def run(pool: "Pool[Any]", client: InsightClient) -> None:
    """Ask what is due, again and again, until cancelled."""
    while True:
        try:
            await read(pool, client)
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("statistics not read", problem=type(problem).__name__)
        await asyncio.sleep(LOOK_SECONDS)


async def read(pool: "Pool[Any]", client: InsightClient) -> int:
    """Ask LINE all that is due; how many questions were answered. Ends early when LINE does not
    tell now, or was asked enough within the hour."""
    answered = 0
    async with pool.acquire() as connection:
        sent = await store.sent(connection)
        due = await store.open_questions(connection, of_now(clock.now(), sent))
    for question in due:
        async with pool.acquire() as connection:
            now = clock.now()
            claimed = await store.claim(
                connection, question.key, now, now + AGAIN, now - AN_HOUR, MOST_AN_HOUR
            )
        if claimed == "enough":
            break
        if claimed == "claimed":
            try:
                answered += await _ask(pool, client, question)
            except NotNow as problem:
                log.warning("LINE tells no statistics now", problem=str(problem))
                break
    return answered


async def _ask(pool: "Pool[Any]", client: InsightClient, question: Question) -> int:
    try:
        figures = await client.ask(question.path, question.parameters)
    except Refused as problem:
        log.error("LINE refused a question", what=question.what, problem=str(problem))
        return 0
    if figures.get("status", "ready") == "unready":
        return 0
    async with pool.acquire() as connection, connection.transaction():
        await _keep(connection, question, figures, clock.now())
        await store.answered(connection, question.key)
    return 1


async def _keep(
    connection: Any, question: Question, figures: dict[str, Any], now: datetime
) -> None:
    if question.sent is not None:
        sent = question.sent
        await store.keep_unit(connection, sent.unit, sent.broadcast_id, figures, now)
    else:
        await store.keep_day(connection, question.what, question.day, figures, now)
