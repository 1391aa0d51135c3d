"""`tamaru dlq`: the events that could not be handled, why, and what to do with them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, NoReturn, TypeVar

import msgspec
import typer

from deploy.environment import required
from shared import clock, envelope
from shared.bus.deadletters import DeadLetter, Held, Office, opened
from shared.bus.errors import BrokerUnavailable

app = typer.Typer(no_args_is_help=True, help=__doc__)

QueueOption = Annotated[str, typer.Option("--queue", help="Only letters of this queue.")]
IdArgument = Annotated[
    str, typer.Argument(help="A letter's id as `list` shows it, or the id of an event in it.")
]
Result = TypeVar("Result")

_PERSONAL = "Personal data below: do not paste this into tickets or chats."


@app.command(name="list")
def list_letters(
    queue: QueueOption = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many, oldest first.")] = 100,
) -> None:
    """List the dead letters. They stay where they are."""
    letters, more = _run(_list(queue, limit))
    for letter in letters:
        print(_line(letter, clock.now()))
    if not letters:
        print("no dead letters")
    elif more:
        print("there are more; see --limit")


@app.command()
def show(id: IdArgument, queue: QueueOption = "") -> None:
    """Print a dead letter with its events. It stays where it is."""
    letters = _run(_matching(id, queue))
    if not letters:
        _end(f"no dead letter {id}")
    for letter in letters:
        print(_description(letter))


@app.command()
def replay(
    id: Annotated[str, typer.Argument(help="A letter's or an event's id.")] = "",
    every: Annotated[bool, typer.Option("--all", help="All of them (or all of --queue).")] = False,
    queue: QueueOption = "",
) -> None:
    """Hand letters back to the queue that they failed in, with all their attempts before them."""
    if bool(id) == every:
        _end("name one id, or --all", code=2)
    done, problems = _run(_each(id, queue, lambda office, held: office.replay(held)))
    print(f"{done} replayed")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems or (id and not done):
        _end(f"no dead letter {id}" if not problems else f"{len(problems)} stay dead letters")


@app.command()
def drop(
    id: IdArgument,
    queue: QueueOption = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a dead letter for good. What it asked for will never happen."""
    letters = _run(_matching(id, queue))
    if not letters:
        _end(f"no dead letter {id}")
    for letter in letters:
        print(_line(letter, clock.now()))
    if not yes and not typer.confirm("Delete for good?"):
        _end("nothing deleted")
    done, _ = _run(_each(id, queue, lambda _, held: held.drop()))
    print(f"{done} deleted")


async def _list(queue: str, limit: int) -> tuple[list[DeadLetter], bool]:
    letters: list[DeadLetter] = []
    async with _office() as office:
        async for held in office.letters():
            if not queue or held.letter.queue == queue:
                if len(letters) == limit:
                    return letters, True
                letters.append(held.letter)
    return letters, False


async def _matching(id: str, queue: str) -> list[DeadLetter]:
    async with _office() as office:
        return [held.letter async for held in office.letters() if _wanted(held.letter, id, queue)]


async def _each(
    id: str, queue: str, act: Callable[[Office, Held], Awaitable[None]]
) -> tuple[int, list[str]]:
    """Do this to every matching letter; returns how often it went well, and what did not."""
    done = 0
    problems: list[str] = []
    async with _office() as office:
        async for held in office.letters():
            if _wanted(held.letter, id, queue):
                try:
                    await act(office, held)
                    done += 1
                except BrokerUnavailable as problem:
                    problems.append(f"{held.letter.id}: {problem}")
    return done, problems


def _wanted(letter: DeadLetter, id: str, queue: str) -> bool:
    return (not id or letter.is_named(id)) and (not queue or letter.queue == queue)


@asynccontextmanager
async def _office() -> AsyncIterator[Office]:
    async with opened(required("AMQP_URL"), os.environ.get("BUS_NAMESPACE", "tamaru")) as office:
        yield office


def _run(work: Coroutine[object, object, Result]) -> Result:
    try:
        return asyncio.run(work)
    except BrokerUnavailable as problem:
        _end(str(problem))


def _end(text: str, code: int = 1) -> NoReturn:
    print(text, file=sys.stderr)
    raise typer.Exit(code)


def _line(letter: DeadLetter, now: datetime) -> str:
    """One letter on one line; no personal data."""
    events = f"{len(letter.event_ids)} events, " if len(letter.event_ids) > 1 else ""
    return (
        f"{letter.id}  {letter.type}  in {letter.queue or 'an unknown queue'}  "
        f"{events}{len(letter.body)} bytes, attempt {letter.attempts}, "
        f"{_age(letter.failed_at, now)}\n              {_one_line(letter.reason)}"
    )


def _description(letter: DeadLetter) -> str:
    rows = {
        "id": letter.id,
        "queue": letter.queue or "unknown",
        "type": letter.type,
        "reason": letter.reason,
        "attempts": str(letter.attempts),
        "first failed": str(letter.first_failed_at or "unknown"),
        "failed": str(letter.failed_at or "unknown"),
        "events": ", ".join(letter.event_ids) or "none that can be read",
    }
    head = "\n".join(f"{name + ':':<14}{value}" for name, value in rows.items())
    return f"{head}\n\n{_PERSONAL}\n{_pretty(letter.body)}"


def _pretty(body: bytes) -> str:
    try:
        return msgspec.json.format(body, indent=2).decode()
    except envelope.UNREADABLE:
        return repr(body)


def _age(failed_at: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    if failed_at is None:
        return "age unknown"
    seconds = max(0, int((now - failed_at).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def _one_line(text: str, length: int = 200) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= length else f"{flat[: length - 1]}…"
