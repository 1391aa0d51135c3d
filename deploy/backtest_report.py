"""`tamaru program backtest`: a draft over stored purchases, with a progress line and a table."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from deploy.environment import required
from services.points.programs import backtesting
from services.points.programs.backtesting import Progress
from services.points.rules import program as programs
from services.points.rules.explain import written_money
from services.points.rules.program import Program
from services.points.rules.terms import ProgramInvalid

_HEADS = ("", "purchases", "given", "draft", "difference", "cost", "win", "lose", "same")


def backtest(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="the draft as JSON")],
    since: Annotated[
        str | None, typer.Option("--from", help="first day, or a time with offset")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="last day, or a time with offset (exclusive)")
    ] = None,
) -> None:
    """What a draft would have given for the purchases that were made, before it is published."""
    try:
        draft = programs.parse(file.read_bytes())
        period = backtesting.span(draft, since, until)
    except ProgramInvalid as invalid:
        for problem in invalid.problems:
            print(f"{problem.path}: {problem.message}")
        raise typer.Exit(1) from None
    started = time.perf_counter()
    found = asyncio.run(_run(draft, period))
    took = time.perf_counter() - started
    rate = found["purchases"] / took if took else 0
    print(
        f"\r{found['purchases']:,} purchases in {took:.1f} s, {rate:,.0f} a second", file=sys.stderr
    )
    print(report(found, draft.currency))


async def _run(draft: Program, period: backtesting.Span) -> dict[str, Any]:
    connection = await asyncpg.connect(
        required("DATABASE_URL"), server_settings={"search_path": "points", "jit": "off"}
    )
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await backtesting.run(connection, draft, period, _tell)
    finally:
        await connection.close()


async def _tell(progress: Progress) -> None:
    percent = 100 * progress.members // progress.of if progress.of else 100
    line = f"\r{percent:3d}%  {progress.purchases:,} purchases"
    print(line, end="", file=sys.stderr, flush=True)


def report(found: dict[str, Any], currency: str) -> str:
    """The result as a table, with what members hold below."""
    rows = [_HEADS, _row("total", found, currency)]
    rows += [_row(f"rank {each['rank'] or '-'}", each, currency) for each in found["by_rank"]]
    rows += [_row(f"store {each['store']}", each, currency) for each in found["by_store"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = []
    for first, *rest in rows:
        cells = [text.rjust(width) for text, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    owed = found["liability"]
    now = written_money(owed["value"], currency).en
    then = written_money(owed["value_with_draft"], currency).en
    lines += ["", f"members hold {owed['points']:,} points worth {now};"]
    lines += [f"with the draft {owed['points_with_draft']:,} points worth {then}"]
    return "\n".join(lines)


def _row(name: str, figures: dict[str, Any], currency: str) -> tuple[str, ...]:
    difference = figures["difference"]
    cost = written_money(abs(difference["cost"]), currency).en
    return (
        name,
        f"{figures['purchases']:,}",
        f"{figures['given']['points']:,}",
        f"{figures['draft']['points']:,}",
        f"{difference['points']:+,}",
        ("-" if difference["cost"] < 0 else "+") + cost,
        f"{figures['winners']:,}",
        f"{figures['losers']:,}",
        f"{figures['unchanged']:,}",
    )
