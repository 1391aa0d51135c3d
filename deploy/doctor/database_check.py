"""Is the database there, up to date, and what waits in it for too long?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from deploy.backup import unfinished
from deploy.doctor import sealed_check, store
from deploy.doctor.disk_check import disk
from deploy.doctor.findings import Finding, bad, good
from deploy.doctor.surroundings import Surroundings
from deploy.doctor.waiting_checks import LOOKS
from deploy.local.plan import role_url
from deploy.schemas import SERVICES, migrations_of
from shared import clock, migrate
from shared.db import Pool, open_pool

OLDEST_SERVER = 15
MOST_SKEW = timedelta(seconds=2)


async def check(here: Surroundings) -> list[Finding]:
    """The server first; what is in it only if it answers."""
    url = here.get("DATABASE_URL")
    if not url:
        return [
            bad(
                "database",
                "DATABASE_URL が未設定です。",
                "DATABASE_URL is not set.",
                ".env.example",
            )
        ]
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, ValueError) as problem:
        return [_unreachable(problem)]
    try:
        seen = await store.server(connection)
        now = clock.now()
        restoring = await unfinished.is_marked(connection)
    finally:
        await connection.close()
    found = [_server(seen.version), _skew(seen.time, now), *disk(seen.folder)]
    if restoring:
        return [*found, _restoring()]
    found += await _roles(here, url)
    missing = {name: await migrate.missing(url, name, migrations_of(name)) for name in SERVICES}
    found.append(_schema(missing))
    if any(missing.values()):
        return found  # what is asked below may not be there yet
    async with _pool(url, "points") as pool:
        found += await sealed_check.check(here, pool)
    return found + await _waiting(url)


async def _waiting(url: str) -> list[Finding]:
    found = []
    for service in SERVICES:
        async with _pool(url, service) as pool:
            found += [await look(pool, clock.now()) for look in LOOKS[service]]
    return found


@asynccontextmanager
async def _pool(url: str, schema: str) -> AsyncIterator["Pool[Any]"]:
    pool = await open_pool(url, schema=schema, size=1)
    try:
        yield pool
    finally:
        pool.terminate()


async def _roles(here: Surroundings, url: str) -> list[Finding]:
    """Whether each service may in, by the password that it is given."""
    refused = []
    for service in SERVICES:
        password = here.get(f"{service.upper()}_DB_PASSWORD")
        if not password:
            continue
        try:
            connection = await asyncpg.connect(role_url(url, service, password), timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            refused.append(service)
        else:
            await connection.close()
    if not refused:
        return []
    names = ", ".join(f"{service.upper()}_DB_PASSWORD" for service in refused)
    return [
        bad(
            "database",
            f"{names} ではデータベースに入れません。migrate を実行するとパスワードが揃います。",
            f"The database refuses {names}. `tamaru migrate` sets the roles' passwords.",
            "docker compose run --rm migrate",
        )
    ]


def _unreachable(problem: BaseException) -> Finding:
    if isinstance(problem, asyncpg.InvalidAuthorizationSpecificationError):
        ja = "データベースに拒否されました。DATABASE_URL のユーザーとパスワードを確かめてください。"
        en = "The database refuses the user or the password. Check DATABASE_URL."
    elif isinstance(problem, asyncpg.InvalidCatalogNameError):
        ja = "DATABASE_URL のデータベースがありません。"
        en = "There is no database of the name in DATABASE_URL."
    else:
        ja = "データベースに接続できません。購入はブローカーに溜まり、失われません。"
        en = "The database cannot be reached. Purchases are kept in the broker; none is lost."
    return bad("database", ja, en, "docs/runbooks/TamaruNotReady.md")


def _server(version: int) -> Finding:
    major = version // 10000
    if major < OLDEST_SERVER:
        return bad(
            "database",
            f"PostgreSQL {major} は古すぎます。{OLDEST_SERVER} 以上が必要です。",
            f"PostgreSQL {major} is too old; {OLDEST_SERVER} or later is needed.",
            "docs/operate.md#upgrade",
        )
    ja, en = f"PostgreSQL {major} が応答しています。", f"PostgreSQL {major} answers."
    return good("database", ja, en)


def _restoring() -> Finding:
    return bad(
        "schema",
        "復元の途中です(または途中で止まりました)。データベースにはバックアップの一部しかありません。"
        "もう一度 `tamaru restore` を実行すると、まず元の状態に戻してから始めます。",
        "A restore is under way, or was broken off: the database has a part of a backup only. Run "
        "`tamaru restore` again: it first puts back what was there before.",
        "docs/backup.md#the-way-back",
    )


def _skew(theirs: datetime, ours: datetime) -> Finding:
    skew = abs(theirs - ours)
    if skew <= MOST_SKEW:
        ja, en = "データベースと時計が合っています。", "Our clock and the database's agree."
        return good("clock", ja, en)
    seconds = round(skew.total_seconds())
    return bad(
        "clock",
        f"時計がデータベースと {seconds} 秒ずれています。期限や夜間処理の時刻が狂います。",
        f"Our clock and the database's differ by {seconds} s. Expiry and the night go by it.",
        "timedatectl set-ntp true",
    )


def _schema(missing: dict[str, list[str]]) -> Finding:
    late = {name: files for name, files in missing.items() if files}
    if not late:
        ja, en = "スキーマは最新です。", "All migrations are applied."
        return good("schema", ja, en)
    count = sum(map(len, late.values()))
    first = next(iter(late.values()))[0]
    return bad(
        "schema",
        f"適用されていないマイグレーションが {count} 件あります(最初は {first})。",
        f"{count} migration(s) are not applied; the first is {first}.",
        "docker compose run --rm migrate",
    )
