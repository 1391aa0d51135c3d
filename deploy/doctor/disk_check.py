"""Is there room where the database keeps what was accepted, and is there a fresh backup?"""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.backup import erased, member_keys
from deploy.doctor.findings import Finding, bad, good
from deploy.doctor.surroundings import Surroundings
from shared import clock

LEAST_SHARE = 0.1
LEAST_BYTES = 2 * 1024**3
"""Room for hours of a busy shop while the broker is away."""

OLDEST_BACKUP = timedelta(hours=26)


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
    """The age of the newest backup in BACKUP_FOLDER, where one is named."""
    folder = here.get("BACKUP_FOLDER")
    found = _backups(Path(folder)) if folder else []
    if not found:
        return [
            Finding(
                "backup",
                "unknown",
                "バックアップの場所がわかりません(BACKUP_FOLDER)。別の場所にあるか確かめてください。",
                "No backup is known here (BACKUP_FOLDER). Make sure that there is one elsewhere.",
                "docs/operate.md#back-up",
            )
        ]
    age = clock.now() - datetime.fromtimestamp(max(each.stat().st_mtime for each in found), UTC)
    hours = int(age.total_seconds() // 3600)
    if age <= OLDEST_BACKUP:
        ja, en = (
            f"最新のバックアップは {hours} 時間前です。",
            f"The newest backup is {hours} h old.",
        )
        return [good("backup", ja, en)]
    return [
        bad(
            "backup",
            f"最新のバックアップが {hours} 時間前のものです。",
            f"The newest backup is {hours} h old.",
            "docs/operate.md#back-up",
        )
    ]


def _backups(folder: Path) -> Sequence[Path]:
    """Whole ones: a folder of `tamaru backup`, or a file of another tool. What stands beside the
    backups, for all of them, may be newer than any."""
    if not folder.is_dir():
        return []
    return [
        each
        for each in folder.iterdir()
        if each.suffix != ".partial" and each.name not in (member_keys.NAME, erased.NAME)
    ]
