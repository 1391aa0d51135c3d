"""Rules of the source that no linter knows: where SQL stands, who asks for the time, how long a
file is. Each is proven to bite on a sample."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("shared", "services", "deploy")
PYTHON = sorted(file for name in PACKAGES for file in (ROOT / name).rglob("*.py"))
MIGRATIONS = sorted((ROOT / "services").glob("*/migrations/*.sql"))
SOURCES = [
    file
    for name in (*PACKAGES, "tests")
    for suffix in ("py", "sql", "js", "css", "html", "lua")
    for file in sorted((ROOT / name).rglob(f"*.{suffix}"))
    if "node_modules" not in file.parts
]

LONGEST_FILE = 500

SQL_ALLOWED = {
    "shared/inbox.py": "the inbox of every service",
    "shared/outbox.py": "the outbox of every service",
    "shared/api_keys.py": "the copy of the API keys of every service",
    "shared/web/acting.py": "the keyed requests of every service",
    "shared/web/sessions.py": "sessions that were ended, of every service",
    "shared/months.py": "the months of logs, whatever is in them",
    "shared/migrate.py": "schemas, roles and the list of migrations",
    "deploy/doctor/store.py": "questions to the server about itself, not about a service's data",
    "deploy/backup/store.py": "schemas as a whole, whatever is in them",
}
SQL_ALLOWED_FOLDERS = ("deploy/bench/",)
"""Benchmarks: their yardsticks are other ways to write the same."""

LIVENESS = "SELECT 1"
"""Allowed anywhere: the question whether the database answers."""

CLOCKS_ALLOWED = {
    "shared/clock.py": "the one clock",
    "shared/ids.py": "an id's order in an index, not a moment of the domain",
}

SQL = re.compile(
    r"\s*(SELECT\b|INSERT\s+INTO\b|DELETE\s+FROM\b|TRUNCATE\b|MERGE\s+INTO\b|COPY\s+\w+"
    r"|UPDATE\s+\S+\s+SET\b|WITH\s+(RECURSIVE\s+)?\w+\s*(\([^)]*\))?\s+AS\b"
    r"|(CREATE|ALTER|DROP)\s+(OR\s+REPLACE\s+|UNIQUE\s+)?"
    r"(TABLE|INDEX|SCHEMA|ROLE|DATABASE|VIEW|FUNCTION|TYPE|SEQUENCE|TRIGGER|MATERIALIZED)\b"
    r"|GRANT\s+\S+|REVOKE\s+\S+|LOCK\s+TABLE\b|SET\s+(ROLE|LOCAL|search_path)\b)"
)
SQL_CLOCK = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
PYTHON_CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
}


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and value of every string, the parts of f-strings too, docstrings left out."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings:
            yield node.lineno, node.value


def sql_in(source: str) -> list[tuple[int, str]]:
    """Line and text of every string that is SQL."""
    found = [(line, text) for line, text in texts(ast.parse(source)) if SQL.match(text)]
    return [(line, text) for line, text in found if text.strip() != LIVENESS]


def may_hold_sql(name: str) -> bool:
    """Stores: `store.py`, `store_*.py`, and modules of a package `store`."""
    parts = name.split("/")
    is_store = parts[0] == "services" and (parts[-1].startswith("store") or "store" in parts[:-1])
    return is_store or name in SQL_ALLOWED or name.startswith(SQL_ALLOWED_FOLDERS)


def without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)


def asks_sql_for_the_time(source: str) -> list[int]:
    strings = texts(ast.parse(source))
    return [line for line, text in strings if SQL.match(text) and SQL_CLOCK.search(text)]


def asks_the_system_for_the_time(source: str) -> list[int]:
    """Lines that call `datetime.now()` and its like."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and (_last_name(node.value), node.attr) in PYTHON_CLOCKS
    ]


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def test_sql_stands_in_stores_only():
    found = [
        f"{name_of(file)}:{line}"
        for file in PYTHON
        if not may_hold_sql(name_of(file))
        for line, _ in sql_in(file.read_text())
    ]
    assert found == []


def test_no_sql_asks_for_the_time():
    found = [
        f"{name_of(file)}:{line}"
        for file in PYTHON
        for line in asks_sql_for_the_time(file.read_text())
    ]
    found += [
        name_of(file) for file in MIGRATIONS if SQL_CLOCK.search(without_comments(file.read_text()))
    ]
    assert found == []


def test_the_time_comes_from_the_one_clock():
    found = [
        f"{name_of(file)}:{line}"
        for file in PYTHON
        if file.is_relative_to(ROOT / "shared") or file.is_relative_to(ROOT / "services")
        if name_of(file) not in CLOCKS_ALLOWED
        for line in asks_the_system_for_the_time(file.read_text())
    ]
    assert found == []


def test_no_file_is_too_long():
    lengths = {name_of(file): len(file.read_text().splitlines()) for file in SOURCES}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_the_exceptions_are_still_needed():
    for name in SQL_ALLOWED:
        assert sql_in((ROOT / name).read_text()), f"{name} holds no SQL any more"
    for name in CLOCKS_ALLOWED:
        assert asks_the_system_for_the_time((ROOT / name).read_text()), name


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM b",
        "\n  WITH x AS (SELECT 1) SELECT 2",
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "CREATE UNIQUE INDEX i ON t (a)",
        "TRUNCATE t",
        "SELECT 1 FROM t",
    ],
)
def test_sql_is_recognised(text: str):
    assert sql_in(f'"""Doc."""\nawait_me = """{text}"""')
    assert sql_in(f"f'''{text} {{table}}'''")


@pytest.mark.parametrize(
    "source",
    [
        '"""SELECT a FROM b is what a docstring may say."""',
        'def f():\n    """UPDATE t SET a = 1"""',
        "x = 'Select a store'",
        "x = 'UPDATE the program first'",
        "x = 'SELECT 1'",
    ],
)
def test_what_is_no_sql_is_left_alone(source: str):
    assert sql_in(source) == []


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("services/points/store/ledger.py", True),
        ("services/notify/store_recipients.py", True),
        ("services/webhook/store.py", True),
        ("shared/outbox.py", True),
        ("services/webhook/app.py", False),
        ("services/points/restore.py", False),
        ("shared/store.py", False),
        ("deploy/cli.py", False),
    ],
)
def test_where_sql_may_stand(name: str, allowed: bool):
    assert may_hold_sql(name) is allowed


@pytest.mark.parametrize(
    "clock", ["now()", "NOW ( )", "CURRENT_TIMESTAMP", "current_date", "clock_timestamp()"]
)
def test_a_clock_in_sql_is_found(clock: str):
    assert asks_sql_for_the_time(f"x = 'SELECT {clock}'")
    assert SQL_CLOCK.search(without_comments(f"a timestamptz DEFAULT {clock}"))
    assert not SQL_CLOCK.search(without_comments(f"a int -- not {clock}"))
    assert not asks_sql_for_the_time("x = 'SELECT known FROM t WHERE at > $1'")


@pytest.mark.parametrize(
    "call", ["datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()", "time.time()"]
)
def test_a_clock_in_python_is_found(call: str):
    assert asks_the_system_for_the_time(f"x = {call}")
    assert asks_the_system_for_the_time("x = f(default_factory=datetime.now)")
    assert not asks_the_system_for_the_time("x = clock.now(); y = time.monotonic()")


INLINE = re.compile(
    r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|<script(?![^>]*(\ssrc=|application/json))", re.I
)
TEMPLATES = [
    file for name in ("shared", "services") for file in sorted((ROOT / name).rglob("*.html"))
]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(ROOT)))
def test_pages_hold_no_script_or_style_of_their_own(file: Path) -> None:
    """Their policy forbids both: they would fail silently, in the browser."""
    assert not INLINE.search(file.read_text("utf-8"))


@pytest.mark.parametrize(
    "sample",
    ['<p style="color: red">', "<STYLE>", '<b\nonclick="x()">', "<script>x()</script>",
     '<a href="javascript:x()">'],
)  # fmt: skip
def test_inline_script_and_style_are_noticed(sample: str) -> None:
    assert INLINE.search(sample)
    assert not INLINE.search('<script src="/a.js" type="module"></script><p data-once="1">')
