"""A shop that has been open for five weeks: people who follow it, and what they bought.

Only through the doors that everybody has: LINE (the sandbox) and the API. The same people buy the
same things each time; the days end today.
"""

import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from shared import clock

_NAMES = (
    "佐藤 美咲",
    "鈴木 大輔",
    "高橋 さくら",
    "田中 健一",
    "伊藤 由美",
    "渡辺 翔太",
    "山本 恵子",
    "中村 拓也",
    "小林 あかり",
    "加藤 誠",
    "吉田 陽菜",
    "山田 直樹",
    "佐々木 彩",
    "Emma Wilson",
    "松本 優子",
    "井上 亮",
    "木村 千尋",
    "林 悠斗",
)
_DAYS = 35
_TOKYO = ZoneInfo("Asia/Tokyo")
_OPENS, _OPEN_MINUTES = 8, 13 * 60
_PRICES = (380, 520, 650, 780, 980, 1_200, 1_480, 2_100, 3_240, 4_800)
_PATIENCE = 150.0  # seconds until everything has been counted


def open_shop(env: dict[str, str]) -> str:
    """Let the people in and let them buy; the card of who comes most often. Raises RuntimeError
    when it is not counted in time."""
    with httpx.Client(timeout=30) as http:
        users = [_follower(http, env["SANDBOX_URL"], name) for name in _NAMES]
        owner = {"Authorization": f"Bearer {env['OWNER_API_KEY']}"}
        purchases = list(_purchases(users, clock.now()))
        url = f"{env['EDGE_URL']}/v1/purchases/batch"
        http.post(url, json=purchases, headers=owner).raise_for_status()
        last = purchases[-1]["member"]["line_user_id"]
        _wait(http, env["EDGE_URL"], last, owner)
        lookup = f"{env['EDGE_URL']}/v1/members/lookup?line_user_id={users[0]}"
        card: str = http.get(lookup, headers=owner).json()["card"]
        return card


def _follower(http: httpx.Client, sandbox: str, name: str) -> str:
    made = http.post(f"{sandbox}/sandbox/users", json={"name": name}).raise_for_status().json()
    user: str = made["user_id"]
    http.post(f"{sandbox}/sandbox/users/{user}/follow").raise_for_status()
    return user


def _purchases(users: list[str], now: datetime) -> Iterator[dict[str, Any]]:
    """From eight to nine, until now; more on weekends, more by who came first: regulars and
    others."""
    number = 0
    chance = random.Random(7)  # noqa: S311 - the same each time is what is wanted
    for back in range(_DAYS, -1, -1):
        day = now.astimezone(_TOKYO) - timedelta(days=back)
        opened = day.replace(hour=_OPENS, minute=0)
        count = chance.randint(9, 14) + (8 if day.weekday() >= 5 else 0)
        minutes = sorted(chance.randint(1, _OPEN_MINUTES) for _ in range(count))
        for at in (opened + timedelta(minutes=each) for each in minutes):
            if at > now:
                break
            who = min(int(chance.expovariate(1 / 5)), len(users) - 1)
            total = sum(chance.choices(_PRICES, k=chance.randint(1, 3)))
            number += 1
            yield {
                "idempotency_key": f"showcase-{users[0]}-{number}",
                "store": "main",
                "member": {"line_user_id": users[who]},
                "occurred_at": at.isoformat(),
                "total": total,
            }


def _wait(http: httpx.Client, edge: str, last: str, owner: dict[str, str]) -> None:
    """Until the last buyer's visits stand still and the figures of past days are derived."""
    deadline, before = time.monotonic() + _PATIENCE, -1
    while time.monotonic() < deadline:
        answer = http.get(f"{edge}/v1/members/lookup?line_user_id={last}", headers=owner)
        visits = answer.json()["lifetime"]["visits"] if answer.status_code == 200 else -1
        days = http.get(f"{edge}/v1/reports/days", headers=owner).raise_for_status().json()
        if visits == before > 0 and days["items"][0]["sales"]:
            return
        before = visits
        time.sleep(1)
    raise RuntimeError("the purchases are not counted; see `make status`")
