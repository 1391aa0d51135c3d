"""Reads the tables of cases beside this file: Markdown that a shop owner can read and run.

A file has sections: a heading, the rules (a JSON block, the accrual part of a program or, where it
has other parts, a whole program), a table. A row is a purchase and what it must earn. Columns:

- `member`: rows with the same name are one person, in this order; without it each is somebody new
- `when`: where the shop is; Monday 7 April 2025, 12:00 if not given
- `store`: main if not given; `rank`, `birthday` (month-day): the member's
- `bought`: an amount, or lines such as `food 1,080 (tax 80) + BEER ×2 600`: a name in capitals is a
  SKU, any other a category, `SKU/category` both
- `tax`: of the bill, if not the lines'; `off`: discounts, such as `100` or `100 on 2` (second line)
- `paid`: payments, such as `points 400 + cash 600`
- `points`, `visits`, `missing` (for the next point): what must come out; `because`: why
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.points.rules.purchase import Discount, Line, Payment, Purchase

FOLDER = Path(__file__).parent
TOKYO = ZoneInfo("Asia/Tokyo")
_SECTION = re.compile(r"^## (.+?)$(.*?)(?=^## |\Z)", re.M | re.S)
_JSON = re.compile(r"^```json\n(.*?)^```", re.M | re.S)
_LINE = re.compile(r"(\S+?)(?: ×(\d+))? ([\d,]+)(?: \(tax ([\d,]+)\))?")
_DISCOUNT = re.compile(r"([\d,]+)(?: on (\d+))?")
_ACCRUAL = {"rules", "multipliers", "caps"}


class Case(NamedTuple):
    """A purchase and what must come of it; a None is not looked at."""

    row: int
    member: str
    rank: str | None
    birthday: str | None
    purchase: Purchase
    points: int
    visits: int | None
    missing: int | None
    because: str


class Section(NamedTuple):
    """Rules, and cases under them in order."""

    name: str
    document: dict[str, Any]
    cases: tuple[Case, ...]


def sections() -> list[Section]:
    """All sections of all files."""
    return [
        Section(f"{file.stem}: {heading}", _document(body), tuple(_cases(body)))
        for file in sorted(FOLDER.glob("[0-9]*.md"))
        for heading, body in _SECTION.findall(file.read_text())
    ]


def _document(body: str) -> dict[str, Any]:
    rules: dict[str, Any] = json.loads(_JSON.search(body)[1])  # type: ignore[index]
    return {"accrual": rules} if rules.keys() & _ACCRUAL else rules


def _cases(body: str) -> Iterator[Case]:
    rows = [_cells(line) for line in body.splitlines() if line.startswith("|")]
    heading, rows = rows[0], rows[2:]
    for number, cells in enumerate(rows, 1):
        row = {name: cell for name, cell in zip(heading, cells, strict=True) if cell}
        yield Case(
            row=number,
            member=row.get("member", f"of row {number}"),
            rank=row.get("rank"),
            birthday=row.get("birthday"),
            purchase=_purchase(row),
            points=_number(row["points"]),
            visits=_optional(row, "visits"),
            missing=_optional(row, "missing"),
            because=row.get("because", ""),
        )


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _purchase(row: dict[str, str]) -> Purchase:
    bought = row["bought"]
    lines = [] if bought[0].isdigit() else [_line(text) for text in bought.split(" + ")]
    discounts = [_discount(text) for text in row["off"].split(" + ")] if "off" in row else []
    on_bill = sum(each.amount for each in discounts if not each.lines)
    total = sum(line.amount for line in lines) - on_bill if lines else _number(bought)
    tax = _number(row["tax"]) if "tax" in row else sum(line.tax for line in lines)
    paid = [part.rsplit(" ", 1) for part in row["paid"].split(" + ")] if "paid" in row else []
    return Purchase(
        total=total,
        tax=tax,
        occurred_at=datetime.fromisoformat(row.get("when", "2025-04-07 12:00")).replace(
            tzinfo=TOKYO
        ),
        store=row.get("store", "main"),
        lines=lines,
        payments=[Payment(method=method, amount=_number(amount)) for method, amount in paid],
        discounts=discounts,
    )


def _line(text: str) -> Line:
    found = _LINE.fullmatch(text)
    assert found, f"{text!r} is not a line such as: food ×2 1,080 (tax 80)"
    name, quantity, amount, tax = found.groups()
    sku, _, category = name.partition("/")
    if not category and sku != sku.upper():
        sku, category = "", sku
    return Line(
        sku=sku or None,
        category=category or None,
        amount=_number(amount),
        quantity=int(quantity or 1),
        tax=_number(tax or "0"),
    )


def _discount(text: str) -> Discount:
    found = _DISCOUNT.fullmatch(text)
    assert found, f"{text!r} is not a discount such as: 100 on 2"
    amount, line = found.groups()
    return Discount(amount=_number(amount), lines=[int(line) - 1] if line else None)


def _optional(row: dict[str, str], name: str) -> int | None:
    return _number(row[name]) if name in row else None


def _number(text: str) -> int:
    return int(text.replace(",", ""))
