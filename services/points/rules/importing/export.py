"""How what the shop keeps is written for people (CSV) and machines (JSON lines). Pure."""

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from services.points.rules.importing.spreadsheet import defused

BOM = "\ufeff"
"""Without it Excel in Japan takes UTF-8 for CP932."""

JSON_COLUMNS = frozenset(
    (
        *("fields", "consent", "explanation", "moves", "payments", "discounts", "lines", "names"),
        *("document", "definition", "before", "after", "totals"),
    )
)
"""Columns that the database gives as JSON text."""


def csv_lines(rows: Sequence[Sequence[Any]]) -> str:
    """Rows as lines of CSV: no cell is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def cell(value: Any) -> str | int:
    """A value as a cell. Whole numbers stay numbers, below zero too; all else is text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return defused(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "、".join(map(str, value))
    return str(value)


def json_lines(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """The same rows, an object a line, with values as they are."""
    encode = msgspec.json.Encoder().encode
    return b"".join(
        encode(
            {
                name: msgspec.Raw(value.encode())
                if name in JSON_COLUMNS and isinstance(value, str)
                else value
                for name, value in zip(names, row, strict=True)
            }
        )
        + b"\n"
        for row in rows
    )
