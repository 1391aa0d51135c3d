"""The secrets of one local start: made afresh for new data, kept as long as the data."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from deploy.local.files import format_env, read_env, write_private

OWNER_LOGIN = "owner@example.com"


def _digits(count: int) -> str:
    return "2" + "".join(secrets.choice("0123456789") for _ in range(count - 1))


def _key(kind: str) -> str:
    return f"tmr_{kind}_{secrets.token_urlsafe(24)}"  # 24 bytes are 32 characters


def generate() -> dict[str, str]:
    """A whole new set. Only URL-safe characters: some of them become parts of URLs."""
    channel = _digits(10)
    passwords = ("POSTGRES", "RABBITMQ", "REDIS", "WEBHOOK_DB", "POINTS_DB", "NOTIFY_DB")
    made = {f"{name}_PASSWORD": secrets.token_urlsafe(24) for name in passwords}
    return made | {
        "SCHEDULER_DB_PASSWORD": secrets.token_urlsafe(24),
        "ERLANG_COOKIE": secrets.token_hex(24),
        "LINE_CHANNEL_SECRET": secrets.token_hex(16),  # LINE's are 32 hex digits
        "LINE_CHANNEL_ACCESS_TOKEN": secrets.token_urlsafe(96),
        "LINE_LOGIN_CHANNEL_ID": channel,
        "LINE_LOGIN_CHANNEL_SECRET": secrets.token_hex(16),
        "LIFF_ID": f"{channel}-Abcd1234",
        "PURCHASE_ID_KEY": secrets.token_urlsafe(32),
        "QR_SIGNING_KEY": secrets.token_urlsafe(32),
        "PERSONAL_DATA_KEY": secrets.token_urlsafe(32),
        "HOOKS_SIGNING_KEY": secrets.token_urlsafe(32),
        "SESSION_KEY": secrets.token_urlsafe(32),
        "POS_API_KEY": _key("pos"),
        "OWNER_API_KEY": _key("own"),
        "OWNER_LOGIN": OWNER_LOGIN,
        "OWNER_PASSWORD": secrets.token_urlsafe(15),
    }


def load_or_generate(path: Path) -> dict[str, str]:
    """The kept secrets; names that a newer version needs are added, none is ever changed."""
    kept = read_env(path)
    values = generate() | kept
    if values != kept:
        write_private(path, format_env(values))
    return values


def server_url(name: str, values: Mapping[str, str], port: int) -> str:
    """The administrator's URL of `postgres`, `redis` or `rabbitmq` on this machine."""
    word = values[f"{name.upper()}_PASSWORD"]
    return {
        "postgres": f"postgresql://postgres:{word}@127.0.0.1:{port}/tamaru",
        "redis": f"redis://:{word}@127.0.0.1:{port}/0",
        "rabbitmq": f"amqp://tamaru:{word}@127.0.0.1:{port}/",
    }[name]
