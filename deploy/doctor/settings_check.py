"""Are the settings there, and are secrets secret? Looks at names and lengths; prints no value."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from deploy.doctor.findings import Finding, bad, good
from deploy.doctor.surroundings import Surroundings
from deploy.local.processes import PROCESSES

REAL_LINE = "https://api.line.me"
OPTIONAL = {
    *("POS_API_KEY", "OWNER_API_KEY", "OWNER_LOGIN", "OWNER_PASSWORD"),
    "LINE_LOGIN_CHANNEL_SECRET",
}
SERVERS = ("DATABASE_URL", "AMQP_URL", "REDIS_URL")
SHORTEST = {"PASSWORD": 16, "KEY": 32, "LINE_CHANNEL_SECRET": 32, "LINE_CHANNEL_ACCESS_TOKEN": 40}
"""Characters, by the end of the name. LINE's long-lived tokens have about 170."""

_EXAMPLE = "docs/operate.md, .env.example"


def check(here: Surroundings) -> list[Finding]:
    """Every setting that is missing, short, or the same as another."""
    found = list(_findings(here))
    if found:
        return found
    return [good("settings", "必要な設定は揃っています。", "All settings are there.")]


def required() -> list[str]:
    """The names of what an installation cannot do without."""
    needed = {name for process in PROCESSES for name in process.needs}
    return [*SERVERS, *sorted(needed - OPTIONAL)]


def _findings(here: Surroundings) -> Iterator[Finding]:
    names = required()
    missing = [name for name in names if not here.get(name)]
    if missing and here.whole:
        listed = "、".join(missing)
        yield bad(
            "settings", f"{listed} が未設定です。", f"Not set: {', '.join(missing)}.", _EXAMPLE
        )
    secrets = {name: here.get(name) for name in names if here.get(name) and name not in SERVERS}
    for name, value in secrets.items():
        least = next((most for end, most in SHORTEST.items() if name.endswith(end)), 0)
        if len(value) < least:
            yield bad(
                "settings",
                f"{name} が短すぎます({len(value)} 文字。{least} 文字以上が必要)。",
                f"{name} is too short ({len(value)} characters; at least {least}).",
                "openssl rand -hex 32" if not name.startswith("LINE") else "docs/line-channel.md",
            )
    yield from _alike(secrets)
    yield from _address(here)


def _alike(secrets: Mapping[str, str]) -> Iterator[Finding]:
    by_value: dict[str, list[str]] = defaultdict(list)
    for name, value in secrets.items():
        by_value[value].append(name)
    for names in by_value.values():
        if len(names) > 1:
            yield bad(
                "settings",
                f"{'、'.join(names)} が同じ値です。それぞれ別の値にしてください。",
                f"{', '.join(names)} have the same value. Give each its own.",
                "openssl rand -hex 32",
            )


def _address(here: Surroundings) -> Iterator[Finding]:
    url = here.public_url
    if here.line_api_base != REAL_LINE or not here.whole:
        return
    if not re.fullmatch(r"https://[^/\s]+", url):
        yield bad(
            "settings",
            "PUBLIC_URL は https:// で始まり、末尾に / のないアドレスにしてください"
            f"(いまは「{url}」)。LINE は https 以外に送りません。",
            f"PUBLIC_URL must be https:// and end without a slash (it is “{url}”). "
            "LINE sends to nothing else.",
            _EXAMPLE,
        )
