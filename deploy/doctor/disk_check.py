"""Is there room where the database keeps what was accepted, and is there a fresh backup that not
everybody reads?"""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from deploy.backup import erased, manifest, member_keys
from deploy.doctor.findings import Finding, bad, good
from deploy.doctor.surroundings import Surroundings
from shared import clock

LEAST_SHARE = 0.1
LEAST_BYTES = 2 * 1024**3
"""Room for hours of a busy shop while the broker is away."""

OLDEST_BACKUP = timedelta(hours=26)
_ENCRYPT = "docs/backup.md#encrypt-them"


def disk(folder: str | None) -> list[Finding]:
    """The disk under the database's folder; unknown where that is on another machine."""
    try:
        usage = shutil.disk_usage(folder or "")
    except OSError:
        return [
            Finding(
                "disk",
                "unknown",
                "データベースのディスクはここから見えません。サーバーで df -h を実行してください。",
                "The database's disk is not seen from here. Look at df -h on its machine.",
                "df -h",
            )
        ]
    free = usage.free / 1024**3
    if usage.free >= LEAST_BYTES and usage.free >= LEAST_SHARE * usage.total:
        ja, en = f"空き {free:.0f} GB。", f"{free:.0f} GB are free."
        return [good("disk", ja, en)]
    return [
        bad(
            "disk",
            f"データベースのディスクの空きが {free:.1f} GB しかありません。",
            f"Only {free:.1f} GB are free on the database's disk.",
            "docs/runbooks/disk-full.md",
        )
    ]


def backup(here: Surroundings) -> list[Finding]:
    """The age of the newest backup in BACKUP_FOLDER, where one is named, and whether it is
    encrypted. Where none is, the setting tells that."""
    folder = here.get("BACKUP_FOLDER")
    found = _backups(Path(folder)) if folder else []
    if not found:
        unknown = Finding(
            "backup",
            "unknown",
            "バックアップの場所がわかりません(BACKUP_FOLDER)。別の場所にあるか確かめてください。",
            "No backup is known here (BACKUP_FOLDER). Make sure that there is one elsewhere.",
            "docs/operate.md#back-up",
        )
        return [unknown, *_without_recipients(here)]
    newest = max(found, key=lambda each: each.stat().st_mtime)
    return [_age(newest), *_in_clear(newest)]


def _age(newest: Path) -> Finding:
    age = clock.now() - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    hours = int(age.total_seconds() // 3600)
    ja = f"最新のバックアップは {hours} 時間前のものです。"
    en = f"The newest backup is {hours} h old."
    return (
        good("backup", ja, en)
        if age <= OLDEST_BACKUP
        else bad("backup", ja, en, "docs/operate.md#back-up")
    )


def _in_clear(newest: Path) -> list[Finding]:
    """Told of ours only: what another tool made does not say."""
    try:
        encrypted = bool(manifest.read(newest).recipients)
    except (OSError, msgspec.DecodeError):
        return []
    if encrypted:
        return []
    return [
        Finding(
            "backup",
            "hint",
            f"最新のバックアップ({newest.name})は暗号化されていません。手に入れた人は会員の名前を"
            "読めます。`tamaru backup-key` で鍵を作り、公開鍵を BACKUP_RECIPIENTS に設定"
            "してください。",
            f"The newest backup ({newest.name}) is not encrypted: whoever has it reads the names "
            "of your members. Make a key with `tamaru backup-key` and name its public "
            "half in BACKUP_RECIPIENTS.",
            _ENCRYPT,
        )
    ]


def _without_recipients(here: Surroundings) -> list[Finding]:
    """Told only where the setting is there and empty: elsewhere backups may be another tool's."""
    if here.settings.get("BACKUP_RECIPIENTS", "?").strip(" ,"):
        return []
    return [
        Finding(
            "backup",
            "hint",
            "BACKUP_RECIPIENTS が空です。`tamaru backup` のバックアップは暗号化されず、手に入れた"
            "人は会員の名前を読めます。`tamaru backup-key` で鍵を作り、公開鍵を設定して"
            "ください。",
            "BACKUP_RECIPIENTS is empty: what `tamaru backup` makes is not encrypted, and whoever "
            "has it reads the names of your members. Make a key with `tamaru "
            "backup-key` and name its public half there.",
            _ENCRYPT,
        )
    ]


def _backups(folder: Path) -> Sequence[Path]:
    """Whole ones: a folder of `tamaru backup`, or a file of another tool. What stands beside the
    backups, for all of them, may be newer than any."""
    if not folder.is_dir():
        return []
    seen = [each for each in folder.iterdir() if not each.name.startswith(".")]
    beside = (member_keys.NAME, erased.NAME)
    return [each for each in seen if each.suffix != ".partial" and each.name not in beside]
