"""Cells that a spreadsheet must not take for formulas, and back again. Pure.

A cell that begins like a formula gets an apostrophe before it, which spreadsheets show as text. A
cell with apostrophes before such a beginning gets one more, so that taking one off always leads
back to what there was.
"""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_DEFUSED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


def defused(text: str) -> str:
    """The text as a cell that is shown, never computed."""
    return f"'{text}" if _FORMULA.match(text) else text


def plain(cell: str) -> str:
    """The text of such a cell; others are what they are."""
    return cell[1:] if _DEFUSED.match(cell) else cell
