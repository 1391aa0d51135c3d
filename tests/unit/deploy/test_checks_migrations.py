"""New migrations are held to what a running shop can bear."""

from pathlib import Path

import pytest

from deploy.checks import migrations

STOPPERS = {
    "rewrites a table": "ALTER TABLE entries ALTER COLUMN amount TYPE bigint;",
    "breaks the version before": "ALTER TABLE entries DROP COLUMN source;",
    "renames what it reads": "ALTER TABLE entries RENAME COLUMN source TO origin;",
    "locks while it indexes": "CREATE INDEX entries_by_source ON entries (source);",
    "needs what old rows lack": "ALTER TABLE entries ADD COLUMN shop text NOT NULL;",
    "looks at every row under a lock": (
        "ALTER TABLE entries ADD CONSTRAINT positive CHECK (amount <> 0);"
    ),
}
HARMLESS = {
    "a new table": "CREATE TABLE stamps (id uuid PRIMARY KEY, n bigint NOT NULL);",
    "a column that may be empty": "ALTER TABLE entries ADD COLUMN shop text;",
    "an index made beside the shop": (
        "-- without a transaction\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS entries_by_source ON entries (source);"
    ),
}


def written(folder: Path, sql: str) -> Path:
    file = folder / "0099_new.sql"
    file.write_text(f"{sql}\n")
    return file


@pytest.mark.parametrize("sql", STOPPERS.values(), ids=STOPPERS)
def test_what_stops_a_shop_is_told(tmp_path: Path, sql: str) -> None:
    assert "0099_new.sql" in migrations.faults([written(tmp_path, sql)])


@pytest.mark.parametrize("sql", HARMLESS.values(), ids=HARMLESS)
def test_what_it_can_bear_passes(tmp_path: Path, sql: str) -> None:
    assert migrations.faults([written(tmp_path, sql)]) == ""


def test_those_that_are_new_pass() -> None:
    assert migrations.faults(migrations.new_ones()) == ""
