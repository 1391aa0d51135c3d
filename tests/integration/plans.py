"""What a statement has to look at, by the plan that the database makes for it."""

import json
from typing import Any

_REMOVED = ("Rows Removed by Filter", "Rows Removed by Join Filter")


async def work(pool: Any, statement: str, types: str, *values: Any) -> int:
    """How many pages of the database a statement touches, and rows it looks at on the way, planned
    as the services plan."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"PREPARE looked_at ({types}) AS {statement}")
        given = ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE looked_at ({given})"
        (found,) = json.loads(await connection.fetchval(explain))
        await connection.execute("DEALLOCATE looked_at")
        plan = found["Plan"]
        touched: int = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return touched + _rows_of(plan)


def _rows_of(plan: dict[str, Any]) -> int:
    """Rows that a node of a plan and those below it had in hand, passed on or not."""
    each = sum(plan.get(name, 0) for name in ("Actual Rows", *_REMOVED))
    return int(each * plan["Actual Loops"]) + sum(map(_rows_of, plan.get("Plans", ())))
