"""Is the broker there, does it take messages, are all queues there and read, do events fail?"""

from collections.abc import Mapping, Sequence

from deploy.doctor.findings import Finding, bad, good
from deploy.doctor.surroundings import Surroundings
from shared.bus import health
from shared.bus.depths import Depth
from shared.bus.errors import BrokerUnavailable
from shared.bus.topology import RETRY_SECONDS

MANY = 500
"""Messages that a reader should have taken by now: up to 200 events each."""


async def check(here: Surroundings) -> list[Finding]:
    """The broker first; its queues only if it answers."""
    url = here.get("AMQP_URL")
    if not url:
        return [bad("broker", "AMQP_URL が未設定です。", "AMQP_URL is not set.", ".env.example")]
    try:
        seen = await health.look(url, here.get("BUS_NAMESPACE", "tamaru"))
    except BrokerUnavailable:
        return [
            bad(
                "broker",
                "ブローカーに接続できないか、拒否されました。購入はデータベースに溜まり、失われません。",
                "The broker cannot be reached or refuses us. Purchases are kept in the database; "
                "none is lost.",
                "docs/runbooks/TamaruNotReady.md",
            )
        ]
    return [
        _broker(takes=seen.takes),
        *queues(seen.depths),
        *tried_again(seen.depths),
        dead_letters(seen.depths),
    ]


def _broker(*, takes: bool) -> Finding:
    if takes:
        return good("broker", "RabbitMQ が応答しています。", "RabbitMQ answers.")
    return bad(
        "broker",
        "RabbitMQ がメッセージを受け付けません。メモリまたはディスクの警報を確かめてください。",
        "RabbitMQ takes no messages. Look for a memory or disk alarm.",
        "docker compose exec rabbitmq rabbitmq-diagnostics alarms",
    )


def queues(depths: Mapping[str, Depth | None]) -> list[Finding]:
    """Queues that are not there, that nobody reads, or that are long."""
    missing = [name for name, depth in depths.items() if depth is None]
    read = {name: depth for name, depth in depths.items() if depth and not _is_kept(name)}
    unread = [name for name, depth in read.items() if not depth.consumers]
    found = []
    if missing:
        found.append(
            bad(
                "queues",
                f"キューがありません: {_some(missing)}。プロセスを再起動すると作られます。",
                f"Not there: {_some(missing)}. Any process makes them when it starts.",
                "docker compose restart scheduler-worker",
            )
        )
    if unread:
        waiting = sum(depth.messages for name, depth in read.items() if name in unread)
        found.append(
            bad(
                "queues",
                f"読み手のいないキュー: {_some(unread)}({waiting} 件が待っています)。",
                f"Nobody reads {_some(unread)} ({waiting} message(s) wait there).",
                "docs/runbooks/TamaruQueueUnread.md",
            )
        )
    found += [_long(name, depth) for name, depth in read.items() if depth.messages >= MANY]
    if not found:
        ja, en = "すべてのキューに読み手がいます。", "Every queue is there and read."
        found.append(good("queues", ja, en))
    return found


def _some(names: Sequence[str]) -> str:
    """The first few, and how many there are."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} … ({len(names)})"


def _is_kept(name: str) -> bool:
    """Queues that nobody reads on purpose."""
    return name == "dead" or name.startswith("retry.")


def _long(name: str, depth: Depth) -> Finding:
    return Finding(
        "queues",
        "hint",
        f"{name} に {depth.messages} 件溜まっています。減らなければプロセスを増やしてください。",
        f"{depth.messages} messages wait in {name}. If they do not grow fewer, run more readers.",
        "docs/runbooks/TamaruPurchasesWait.md",
    )


def tried_again(depths: Mapping[str, Depth | None]) -> list[Finding]:
    """Events that have failed more than twice and wait for another try: soon they are given up."""
    waiting = [depths.get(f"retry.{seconds}s") for seconds in RETRY_SECONDS[2:]]
    count = sum(depth.messages for depth in waiting if depth)
    if not count:
        return []
    return [
        bad(
            "retries",
            f"{count} 件のイベントが何度も失敗し、再試行を待っています。理由は各プロセスのログに。",
            f"{count} message(s) failed several times and wait for another try. The logs say why "
            "(“event failed, tried later”).",
            "docs/runbooks/TamaruRetries.md",
        )
    ]


def dead_letters(depths: Mapping[str, Depth | None]) -> Finding:
    """Events that were given up."""
    dead = depths.get("dead")
    count = dead.messages if dead else 0
    if not count:
        ja, en = "処理できなかったイベントはありません。", "No event was given up."
        return good("dead-letters", ja, en)
    return bad(
        "dead-letters",
        f"処理できなかったイベントが {count} 件あります。原因を直してから再実行してください。",
        f"{count} message(s) could not be handled. Remove the cause, then replay them.",
        "tamaru dlq list; tamaru dlq show ID; tamaru dlq replay ID",
    )
