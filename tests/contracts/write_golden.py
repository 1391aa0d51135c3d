"""Writes the golden file of each contract that has none: a minimal and a full example.

Run it once for a new contract: `python -m tests.contracts.write_golden`. Files that are there are
never written again: they are what other installations and dead letters still hold.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from shared.events import CONTRACTS, Event
from shared.events.contract import Moment

GOLDEN = Path(__file__).parent / "golden"
MOMENT = datetime(2026, 4, 30, 14, 59, 59, 123456, tzinfo=UTC)
ID = UUID("0196892c-8d00-7abc-8def-0123456789ab")
ENVELOPE = {
    "subject": "0196892c-0000-7000-8000-000000000001",
    "correlationid": "0196892c-0000-7000-8000-000000000002",
    "causationid": "0196892c-0000-7000-8000-000000000003",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}
VALUES: dict[Any, Any] = {
    str: '文字 and "text"',
    int: 12345,
    bool: True,
    UUID: ID,
    Moment: MOMENT,
    Any: {"any": ["JSON", 1, None]},
    msgspec.Raw: msgspec.Raw(b'{"any": ["JSON", 1, null]}'),
}


def example(struct: type[msgspec.Struct], full: bool) -> msgspec.Struct:
    """A value with all fields set, or with those only that have no default."""
    fields = msgspec.inspect.type_info(struct).fields
    hints = msgspec.structs.fields(struct)
    return struct(
        **{
            field.name: value(hint.type, full)
            for field, hint in zip(fields, hints, strict=True)
            if full or field.required
        }
    )


def value(kind: Any, full: bool) -> Any:
    """A value of this type that is no default."""
    if kind in VALUES:
        return VALUES[kind]
    arguments = [each for each in getattr(kind, "__args__", ()) if each is not type(None)]
    if getattr(kind, "__origin__", None) is list:
        return [value(arguments[0], full)]
    return value(arguments[0], full) if arguments else example(kind, full)


def events(name: str) -> list[Event[Any]]:
    """The minimal and the full example of a contract."""
    data = [example(CONTRACTS[name], full) for full in (False, True)]
    return [
        Event(id=ID, source="/golden", type=name, time=MOMENT, data=data[0]),
        Event(id=ID, source="/golden", type=name, time=MOMENT, data=data[1], **ENVELOPE),
    ]


def main() -> None:
    """Write what is missing."""
    for name in CONTRACTS:
        file = GOLDEN / f"{name}.json"
        if not file.exists():
            file.write_bytes(
                msgspec.json.format(msgspec.json.encode(events(name)), indent=2) + b"\n"
            )
            print(f"wrote {file}")


if __name__ == "__main__":
    main()
