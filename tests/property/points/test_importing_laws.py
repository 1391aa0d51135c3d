"""Laws of reading files: nothing crashes, every row is named, what is let out comes back."""

import csv
import io
from datetime import UTC, datetime
from itertools import chain
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from services.points.rules.importing import columns, export, rows, tables, texts, words
from services.points.rules.importing.rows import Terms
from services.points.rules.importing.spreadsheet import defused, plain

TERMS = Terms(datetime(2026, 11, 28, tzinfo=UTC), ZoneInfo("Asia/Tokyo"), "JPY", {"gold": "gold"})
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
dangerous = st.builds(
    lambda start, rest: start + rest,
    st.sampled_from(("", "'", "''", "=", "+", "-", "@", "\t", "\r", "＝", "'=")),
    st.text(max_size=8),
)


def read(file: bytes) -> list[tables.Row]:
    encoding = texts.encoding_of([file])
    lines = list(texts.lines([file], encoding))
    return list(tables.rows(lines, tables.delimiter_of(lines[0] if lines else "")))


@given(st.binary(max_size=400) | st.text('",;\t\n\r=番1a', max_size=200).map(str.encode))
def test_any_file_is_read_and_each_row_has_a_number(file: bytes) -> None:
    found = read(file)
    numbers = [row.number for row in found]
    assert numbers == sorted(set(numbers))
    assert all(row.number >= 1 and row.cells for row in found)
    assert not any("\0" in cell for row in found for cell in row.cells)


@given(st.lists(st.lists(st.text(max_size=6), min_size=3, max_size=3), max_size=6))
def test_a_broken_line_costs_itself_alone(good: list[list[str]]) -> None:
    clean = [[cell.replace("\0", "").strip() or "x" for cell in row] for row in good]
    clean = [[cell.replace("\r", "").replace(texts.BROKEN, "") or "x" for cell in r] for r in clean]
    out = io.StringIO()
    csv.writer(out).writerows(clean)
    found = read(b"h1,h2,h3\r\n" + b'"b" x,1,2\r\n' + out.getvalue().encode())
    assert [row.fault for row in found[1:2]] == ["quotes"]
    assert len(found) == 2 + len(clean)
    assert all(row.fault is None for row in found[2:])


@given(st.lists(st.text(max_size=20), min_size=15, max_size=15))
def test_any_cells_are_judged_and_each_fault_has_words(cells: list[str]) -> None:
    found = rows.read(cells, dict(enumerate(columns.FIELDS)), TERMS)
    for fault in (*found.faults, *found.notes):
        said = words.sentence(fault)
        assert said.ja and said.en
    assert found.faults or found.wanted.names
    assert found.wanted.points >= 0 and found.wanted.spent >= 0


@given(dangerous)
def test_what_is_defused_is_no_formula_and_comes_back(text: str) -> None:
    assert not defused(text).startswith(FORMULAS)
    assert plain(defused(text)) == text


@given(st.lists(dangerous, min_size=1, max_size=4))
@example(["\t\t"])
def test_a_row_that_was_let_out_comes_back(cells: list[str]) -> None:
    usable = [each.replace("\0", "").replace(texts.BROKEN, "") for each in cells]
    heads = [f"h{number}" for number in range(len(usable) + 1)]  # what separates is seen by these
    file = (export.BOM + export.csv_lines([heads, ["k", *usable]])).encode()
    _, row = read(file)
    expected = ["k", *(" ".join(each.split()) for each in usable)]
    assert [" ".join(each.split()) for each in row.cells] == expected
    for cell in chain(*csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""))):
        assert not cell.startswith(FORMULAS)


@given(st.integers())
def test_whole_numbers_stay_numbers(number: int) -> None:
    assert export.cell(number) == number
