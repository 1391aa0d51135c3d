"""What the doctor asks the database server about itself; what services hold, their stores tell."""

from datetime import datetime
from typing import Any, NamedTuple

from shared.bus.handling import Connection

# When this very statement began, by the server's clock: the server is what is asked about.
_SERVER = """
SELECT current_setting('server_version_num')::integer AS version,
    current_setting('data_directory', true) AS folder,
    (SELECT query_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS time
"""


class Server(NamedTuple):
    """`folder` is where its data lies on its machine; None where we may not know."""

    version: int
    folder: str | None
    time: datetime


async def server(connection: Connection) -> Server:
    """What the server says of itself."""
    row: Any = await connection.fetchrow(_SERVER)
    return Server(row["version"], row["folder"], row["time"])
