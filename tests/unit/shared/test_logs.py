"""Logs carry no values of the database's errors, in whatever form the error comes."""

import subprocess
import sys

import pytest

from shared import logs

ERROR = """
import asyncpg, logging
from shared import logs
logs.configure("test", "INFO", "{form}")
error = asyncpg.UniqueViolationError("duplicate key value")
error.detail = "Key (phone)=(09012345678\\n2 lines) already exists."
error.hint = "none"
try:
    raise {what}
except Exception as problem:
    logs.logger("a").error("it failed", problem=repr(problem), exc_info=problem)
    logging.getLogger("uvicorn.error").error("it failed", exc_info=problem)
"""


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("what", ["error", 'ExceptionGroup("some", [error])'])
def test_an_errors_values_are_left_out(form: str, what: str) -> None:
    program = ERROR.format(form=form, what=what)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("it failed") == 2
    assert done.stdout.count("duplicate key value") >= 2
    assert "0901234" not in done.stdout
    assert "2 lines" not in done.stdout


def test_what_follows_stays() -> None:
    text = "Error: x\nDETAIL:  Key (a)=(b)\nHINT:  try\n\nDuring handling"
    left = logs.without_values(None, "", {"exception": text})["exception"]
    assert left == "Error: x\nDETAIL: (left out)\nHINT:  try\n\nDuring handling"
