"""All checks beside each other; one that breaks is a finding itself, never the end."""

import asyncio
from collections.abc import Awaitable, Callable

from deploy.doctor import broker_check, database_check, disk_check, other_checks, settings_check
from deploy.doctor.findings import Finding
from deploy.doctor.surroundings import Surroundings

SECONDS = 30.0

Check = Callable[[Surroundings], Awaitable[list[Finding]]]


async def _settings(here: Surroundings) -> list[Finding]:
    return settings_check.check(here)


async def _backup(here: Surroundings) -> list[Finding]:
    return disk_check.backup(here)


CHECKS: dict[str, Check] = {
    "settings": _settings,
    "database": database_check.check,
    "broker": broker_check.check,
    "cache": other_checks.cache,
    "line": other_checks.line,
    "processes": other_checks.processes,
    "backup": _backup,
}


async def examine(here: Surroundings) -> list[Finding]:
    """Look at everything; ends within half a minute, whatever is down."""
    found = await asyncio.gather(*(_safely(name, check, here) for name, check in CHECKS.items()))
    return [finding for findings in found for finding in findings]


async def _safely(name: str, check: Check, here: Surroundings) -> list[Finding]:
    try:
        async with asyncio.timeout(SECONDS):
            return await check(here)
    except TimeoutError:
        ja, en = f"{SECONDS:.0f} 秒以内に応答がありません。", f"No answer within {SECONDS:.0f} s."
        return [Finding(name, "bad", ja, en)]
    except Exception as problem:
        what = type(problem).__name__  # its text may quote a URL with a password
        ja, en = f"確認できませんでした({what})。", f"It could not be looked at ({what})."
        return [Finding(name, "bad", ja, en)]
