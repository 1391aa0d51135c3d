"""Is PERSONAL_DATA_KEY the one that personal data was locked away under?"""

from typing import Any

from deploy.doctor.findings import Finding, bad, good
from deploy.doctor.surroundings import Surroundings
from services.points.store import sealed
from shared.db import Pool

NAMES = ("PERSONAL_DATA_KEY", "PERSONAL_DATA_KEY_OLD")


async def check(here: Surroundings, pool: "Pool[Any]") -> list[Finding]:
    """Nothing where the key is not shown to us: that it is missing, the settings tell."""
    given = [here.get(name) for name in NAMES if here.get(name)]
    if not given:
        return []
    async with pool.acquire() as connection:
        members = await sealed.sealed_otherwise(connection, given)
    if not members:
        ja, en = "個人情報の鍵は合っています。", "PERSONAL_DATA_KEY opens what it has to."
        return [good("personal-data", ja, en)]
    return [
        bad(
            "personal-data",
            f"PERSONAL_DATA_KEY が違います。会員 {members} 人の個人情報を読めません。"
            "元の鍵を PERSONAL_DATA_KEY か PERSONAL_DATA_KEY_OLD に戻してください。",
            f"PERSONAL_DATA_KEY is not the one that the personal data of {members} member(s) is "
            "sealed with: it cannot be read. Give that key again, as PERSONAL_DATA_KEY or "
            "PERSONAL_DATA_KEY_OLD.",
            "docs/operate.md#rotate-keys",
        )
    ]
