"""PostgreSQL's own tools, found and run. Secrets go to them by the environment, which nobody else
sees, not by arguments."""

import asyncio
import re
import shutil
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

_INSTALLED = "/usr/lib/postgresql/*/bin/{name}"


class ToolProblem(Exception):
    """A tool is missing, too old, or says that something went wrong."""


async def tool(name: str, server: int) -> Path:
    """The newest `pg_dump` or `pg_restore` here. Raises ToolProblem when there is none that
    understands a server of this major version: older tools refuse newer servers."""
    found = [Path(each) for each in Path("/").glob(_INSTALLED.format(name=name).lstrip("/"))]  # noqa: ASYNC240
    on_path = shutil.which(name)
    found += [Path(on_path)] if on_path else []
    versions = {path: await _major(path) for path in found}
    newest = max(found, key=lambda path: versions[path], default=None)
    if newest is None:
        raise ToolProblem(f"{name} is not installed: apt-get install postgresql-client")
    if versions[newest] < server:
        raise ToolProblem(
            f"{newest} is of version {versions[newest]}, the server of {server}: "
            f"apt-get install postgresql-client-{server}"
        )
    return newest


async def _major(path: Path) -> int:
    process = await asyncio.create_subprocess_exec(
        path, "--version", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    number = re.search(rb"(\d+)\.", out)
    return int(number[1]) if number else 0


def access(database_url: str) -> dict[str, str]:
    """The URL as the environment that the tools read."""
    url = urlsplit(database_url)
    given = {
        "PGHOST": url.hostname or "",
        "PGPORT": str(url.port or 5432),
        "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""),
        "PGDATABASE": url.path.lstrip("/"),
    }
    given |= {f"PG{name.upper()}": value for name, value in parse_qsl(url.query)}
    return {name: value for name, value in given.items() if value}


async def run(
    path: Path,
    *arguments: str,
    database_url: str,
    out: int = asyncio.subprocess.DEVNULL,
    open_too: tuple[int, ...] = (),
) -> None:
    """Run a tool to its end. `out`: the descriptor that it writes to; `open_too`: others that it
    has. Raises ToolProblem with what it said last."""
    process = await asyncio.create_subprocess_exec(
        path,
        *arguments,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **access(database_url)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=out,
        pass_fds=open_too,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode:
        last = "\n".join(said.decode(errors="replace").strip().splitlines()[-8:])
        raise ToolProblem(f"{path.name} ended with {process.returncode}:\n{last}")
