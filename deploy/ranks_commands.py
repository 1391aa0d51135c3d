"""`tamaru ranks preview`: who would move under other rules?"""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from deploy.environment import required
from services.points.rankings import rank_preview
from services.points.rankings.rank_preview import Moving, Preview
from services.points.rules import program as programs
from services.points.rules.program import Program
from services.points.rules.terms import ProgramInvalid

app = typer.Typer(no_args_is_help=True, help="Members' ranks.")
STEP = 10_000
_WHEN = {"at_once": "at once", "by_evaluation": "when the keep period is over"}


@app.command()
def preview(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Say who would move if this program were published; nothing is changed."""
    try:
        draft = programs.parse(file.read_bytes())
    except ProgramInvalid as invalid:
        for problem in invalid.problems:
            print(f"{problem.path}: {problem.message}")
        raise typer.Exit(1) from None
    found = asyncio.run(_preview(required("DATABASE_URL"), draft))
    for moving in found.moves:
        print(f"{moving.members}\t{_way(moving)}\t{_WHEN[moving.when]}")
    for example in found.examples:
        print(f"  card {example.card}: {_way(example)}")
    print(f"{found.members} members, {found.staying} stay, {found.points} points are given")


async def _preview(url: str, draft: Program) -> Preview:
    settings = {"search_path": "points", "plan_cache_mode": "force_generic_plan"}
    connection = await asyncpg.connect(url, server_settings=settings)
    shown = 0
    try:
        async for found in rank_preview.preview(connection, draft):
            if isinstance(found, Preview):
                return found
            if found.members >= shown + STEP:
                shown = found.members
                print(f"{found.members} of {found.of} members …", file=sys.stderr)
    finally:
        await connection.close()
    raise AssertionError("the preview ends with what it found")


def _way(moving: Moving | rank_preview.Example) -> str:
    return f"{moving.from_ or 'no rank'} → {moving.to or 'no rank'}"
