"""What the sandbox answers in LINE's place, in LINE's words.

Owns the texts of refusals and the shape of an answer. It decides nothing.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from shared.line.field_rules import Path, Problem

MONTHLY_LIMIT = "You have reached your monthly limit."
RATE_LIMIT = "The API rate limit has been exceeded. Try again later."

_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """One HTTP answer: status, JSON body, headers beyond the usual ones, and words for the log."""

    status: int
    body: bytes = b"{}"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    brief: str = ""
    media: str = "application/json"


class Refused(Exception):
    """A call that LINE would not accept, with the answer it would get."""

    def __init__(self, answer: Answer, outcome: str = "") -> None:
        super().__init__(answer.body.decode())
        self.answer = answer
        self.outcome = outcome or str(answer.status)


def json_answer(status: int, content: Any) -> Answer:
    return Answer(status, _encode(content))


def moment(at: float) -> str:
    """A time as LINE's answers tell it: UTC, to the millisecond."""
    told = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return told.replace("+00:00", "Z")


def refuse(status: int, message: str, details: list[dict[str, str]] | None = None) -> Refused:
    """A refusal in LINE's error shape: `{"message", "details": [{"message", "property"}]}`."""
    content: dict[str, Any] = {"message": message}
    words = message
    if details:
        content["details"] = details
        words = "; ".join(f"{detail['property']}: {detail['message']}" for detail in details[:3])
    return Refused(json_answer(status, content)._replace(brief=words))


def refuse_property(name: str) -> Refused:
    where = "(line: -, column: -)"
    return refuse(400, f"The property, '{name}', in the request body is invalid {where}")


def refuse_rate() -> Refused:
    return Refused(json_answer(429, {"message": RATE_LIMIT}), "429_rate")


def refuse_monthly() -> Refused:
    return Refused(json_answer(429, {"message": MONTHLY_LIMIT}), "429_monthly")


def refuse_problems(problems: Iterable[Problem]) -> Refused:
    """Problems in a request body, each with its property."""
    found = [
        {"message": message, "property": _dotted("", path).removeprefix(".")}
        for path, message in problems
    ]
    return refuse(400, f"The request body has {len(found)} error(s)", found)


def refuse_messages(problems: Iterable[Problem]) -> Refused:
    """Problems in `messages`, told as LINE tells them.

    Faults in a message's own fields are listed as `messages[0].text`. Faults within a Flex
    container or a template are told for the first such message alone, as `/body/contents/0`.
    """
    found = list(problems)
    inner = [p for p in found if len(p[0]) > 1 and p[0][1] in ("contents", "template")]
    if inner and len(inner) == len(found):
        index = inner[0][0][0]
        return refuse(
            400,
            f"A message (messages[{index}]) in the request body is invalid",
            [
                {"message": message, "property": _pointer(path[2:])}
                for path, message in inner
                if path[0] == index
            ],
        )
    return refuse(
        400,
        f"The request body has {len(found)} error(s)",
        [{"message": message, "property": _dotted("messages", path)} for path, message in found],
    )


def _pointer(path: Path) -> str:
    return "/" + "/".join(str(step) for step in path)


def _dotted(start: str, path: Path) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return start + "".join(steps)
