"""Tables, emptied between tests.

Rows are deleted: to truncate makes and syncs files anew, which takes a hundred times as long where
there is hardly anything in them (forty tables: 400 ms against 3).
"""

import asyncpg

KEPT = ("migrations", "card_key", "schedules", "projection")
"""What a migration fills, and no test changes in a way that matters to others."""

_NAMES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname = ANY($1::text[]) AND tablename <> ALL($2::text[])
"""


async def empty(admin_url: str, *schemas: str) -> None:
    """Leave nothing in these schemas but what the migrations made."""
    connection = await asyncpg.connect(admin_url)
    try:
        rows = await connection.fetch(_NAMES, schemas, KEPT)
        deletes = "; ".join(f"DELETE FROM {row[0]}" for row in rows)
        await connection.execute(f"SET session_replication_role TO replica; {deletes}")
    finally:
        await connection.close()
