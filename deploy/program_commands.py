"""`tamaru program`: the shop's rules as a file: checked, compared, tried out, published.

Only speaks; what holds is decided in `services.points`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from deploy.backtest_report import backtest as run_backtest
from deploy.shop_commands import act
from services.points.programs import publishing, timeline
from services.points.rules import advice, differences, program_file
from services.points.rules import program as programs
from services.points.rules.program import Program
from services.points.rules.terms import ProgramInvalid
from services.points.store import programs as store
from services.points.store.programs import Version
from shared import clock
from shared.bus.handling import Connection

app = typer.Typer(no_args_is_help=True, help="The program: the shop's rules.")

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="the program as JSON")]
From = Annotated[
    str | None,
    typer.Option("--effective-from", help="a day or a time with offset; left out: at once"),
]


@app.command()
def check(file: File) -> None:
    """Name every problem of a document, and what in it is hardly meant. Needs no database."""
    draft = _draft(file)
    cautions = advice.warnings(draft, clock.now())
    for each in cautions:
        print(f"{each.path}: {each.text['ja']} / {each.text['en']}")
    print(f"the program can be published, with {len(cautions)} warning(s)")


@app.command()
def diff(
    file: File,
    against: Annotated[int | None, typer.Option(help="a version; left out: in force")] = None,
) -> None:
    """What a document would change. Ends with 1 when it changes something, as diff(1) does."""
    draft = _draft(file)
    found = act(lambda batch: _version(batch.connection, against))
    before = programs.read(found.document if found else "{}")
    changes = differences.between(before, draft)
    for each in changes:
        print(f"{each.path}\n  {each.text['ja']}\n  {each.text['en']}")
    print(f"{len(changes)} difference(s) to {_called(found)}")
    raise typer.Exit(1 if changes else 0)


@app.command()
def publish(
    file: File,
    effective_from: From = None,
    expect: Annotated[int | None, typer.Option(help="only if this version is in force now")] = None,
) -> None:
    """Check a document and publish it as the next version."""
    raw = file.read_bytes()
    _say(
        lambda: act(
            lambda batch: publishing.publish(batch, raw, "operator", expect, effective_from)
        )
    )


@app.command()
def rollback(version: int, effective_from: From = None) -> None:
    """Publish an earlier version again, as a new version."""
    _say(
        lambda: act(lambda batch: publishing.roll_back(batch, version, "operator", effective_from))
    )


@app.command()
def withdraw(version: int) -> None:
    """Take back a version that has not started."""
    act(lambda batch: publishing.withdraw(batch, version, "operator"))
    print(f"version {version} is withdrawn")


@app.command()
def show(version: Annotated[int | None, typer.Argument(help="left out: in force")] = None) -> None:
    """The program as a file to keep in git."""
    found = act(lambda batch: _version(batch.connection, version))
    if found is None:
        print("nothing has been published yet")
        raise typer.Exit(1)
    print(program_file.text(msgspec.json.decode(found.document)), end="")


@app.command("format")
def format_file(file: File) -> None:
    """Rewrite a document the way `show` prints it: the same rules, line by line."""
    draft = _draft(file)
    file.write_text(program_file.text(draft.document))
    print(f"{file.name} is written")


@app.command()
def versions() -> None:
    """All versions, newest first: number, state, start, who published it."""
    said = act(lambda batch: store.after(batch.connection, 0))
    for each in reversed(timeline.timeline(said, clock.now())):
        version = each.version
        start = f"{version.effective_from:%Y-%m-%dT%H:%M:%SZ}"
        print(f"{version.version}\t{each.state}\t{start}\t{version.published_by}")


app.command("backtest")(run_backtest)


def _draft(file: Path) -> Program:
    """The document in a file; ends the command with all its problems where it has any."""
    try:
        return programs.parse(file.read_bytes())
    except ProgramInvalid as invalid:
        _problems(invalid)
        raise typer.Exit(1) from None


def _say(publishes: Callable[[], Version]) -> None:
    try:
        version = publishes()
    except ProgramInvalid as invalid:
        _problems(invalid)
        print("nothing was published")
        raise typer.Exit(1) from None
    if version.effective_from <= clock.now():
        print(f"version {version.version} is in force")
    else:
        print(f"version {version.version} starts at {version.effective_from.isoformat()}")


def _problems(invalid: ProgramInvalid) -> None:
    for problem in invalid.problems:
        print(f"{problem.path}: {problem.message}")


async def _version(connection: Connection, number: int | None) -> Version | None:
    if number is None:
        return await store.in_force(connection, clock.now())
    return await publishing.find(connection, number)


def _called(version: Version | None) -> str:
    return f"version {version.version}" if version else "nothing: this would be the first version"
