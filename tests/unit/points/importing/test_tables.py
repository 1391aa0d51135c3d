"""Files as programs write them become rows; what cannot be read is named and the rest is read."""

import codecs

import pytest

from services.points.rules.importing import tables, texts
from services.points.rules.importing.tables import Row, TooManyRows


def rows(file: bytes, part: int = 7) -> tuple[str, list[Row]]:
    """Encoding and rows of a file that comes in parts."""
    parts = [file[at : at + part] for at in range(0, len(file), part)]
    encoding = texts.encoding_of(parts)
    lines = list(texts.lines(parts, encoding))
    return encoding, list(tables.rows(lines, tables.delimiter_of(lines[0] if lines else "")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_same_table_however_it_is_written(encoding: str, end: str, delimiter: str) -> None:
    lines = ["番号;氏名", '1;"髙橋;一郎"', "", '2;"二行の\n名前"']
    text = end.join(each.replace(";", delimiter) for each in lines)
    found, read = rows(text.encode(encoding))
    assert codecs.lookup(found) == codecs.lookup(
        "utf-8-sig" if encoding.startswith("utf-8") else encoding
    )
    assert read == [
        Row(1, ["番号", "氏名"]),
        Row(2, ["1", f"髙橋{delimiter}一郎"]),
        Row(4, ["2", "二行の\n名前"]),
    ]


def test_a_broken_row_is_named_and_the_next_ones_are_read() -> None:
    _, read = rows(b'a,b\n"open,1\nx,2\n"q" z,3\n\nlast,"4"\n')
    assert read == [
        Row(1, ["a", "b"]),
        Row(2, ['"open,1'], "quotes"),
        Row(3, ["x", "2"]),
        Row(4, ['"q" z,3'], "quotes"),
        Row(6, ["last", "4"]),
    ]


def test_a_quote_that_is_never_closed_does_not_swallow_the_file() -> None:
    lines = [b'"open'] + [b"m-%d,1" % n for n in range(500)]
    _, read = rows(b"\n".join(lines), 4096)
    assert [row.number for row in read] == list(range(1, 502))
    assert [row.fault for row in read if row.fault] == ["quotes"]


def test_broken_characters_and_too_many_cells_are_named() -> None:
    _, read = rows("a,b\n文字,1\n".encode() + b"\xff\xfe,2\nnul\0,3\n" + b"," * 150 + b"x\n", 4096)
    assert [row.fault for row in read] == [None, None, "characters", "characters", "too_many_cells"]
    assert not any("\0" in cell for row in read for cell in row.cells)


def test_more_rows_than_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    with pytest.raises(TooManyRows):
        rows(b"a\nb\nc\nd\n")


def test_no_rows() -> None:
    assert rows(b"") == ("utf-8-sig", [])
    assert rows(b"\n\n\n")[1] == []
