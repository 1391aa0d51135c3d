"""Builds that break a promise on purpose, one small change each. What finds no fault in them finds
none in anything.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.layout import ROOT
from deploy.local.processes import PROCESSES
from tests.faults import versions

ONCE = ("points-awards", "points-web")


@dataclass(frozen=True)
class Broken:
    """`right` is replaced by `wrong` in one file, and `processes` run it. It is tried on the first
    seeds that do `fault` (kind, victim), with `line`'s misfortunes. `caught` names the figures of
    a verdict of which one at least must not be zero."""

    name: str
    file: str
    right: str
    wrong: str
    processes: tuple[str, ...]
    fault: tuple[str, str]
    caught: tuple[str, ...]
    line: dict[str, float] = field(default_factory=dict)


BUILDS = (
    Broken(
        "a receipt before anything is on disk",
        "services/webhook/intake.py",
        "            except BrokerUnavailable:\n                return await self._keep(events)",
        "            except BrokerUnavailable:\n                return True",
        ("webhook-web",),
        ("silence", "rabbitmq"),
        ("lost",),
    ),
    Broken(
        "a repeated purchase is another one",
        "services/webhook/submissions.py",
        "purchase_id(ingress.purchase_id_key, api_key.terminal_id, key)",
        'purchase_id(ingress.purchase_id_key, api_key.terminal_id, __import__("uuid").uuid4().hex)',
        ("webhook-web",),
        ("kill", "webhook-web"),
        ("doubled",),
    ),
    Broken(
        "acknowledged although the commit failed",
        "shared/bus/consumer.py",
        "                await asyncio.sleep(PAUSE_SECONDS)\n            except CONFLICTS:",
        "                return\n            except CONFLICTS:",
        ("points-awards",),
        ("kill", "postgres"),
        ("lost",),
    ),
    Broken(
        "deleted from the outbox before the broker has it",
        "shared/outbox.py",
        "            await self._publisher.publish_group(row.type, row.body)\n"
        "            await self._delete.submit(row.id)",
        "            await self._delete.submit(row.id)\n"
        "            await self._publisher.publish_group(row.type, row.body)",
        ("points-awards", "points-web"),
        ("cut", "rabbitmq"),
        ("lost",),
    ),
    Broken(
        "another retry key at every try",
        "services/notify/sending/line_client.py",
        '"X-Line-Retry-Key": str(retry_key)}\n        return await self._post(self._push_url',
        '"X-Line-Retry-Key": str(__import__("uuid").uuid4())}\n'
        "        return await self._post(self._push_url",
        ("notify-worker",),
        ("kill", "notify-worker"),
        ("doubled",),
        {"lost_response": 0.2},
    ),
    Broken(
        "points are spent without a lock",
        "services/points/store/ledger.py",
        '_LOCK = _READ + "ORDER BY a.member_id FOR UPDATE OF a"',
        '_LOCK = _READ + "ORDER BY a.member_id"',
        ONCE,
        ("pause", "redis"),
        ("wrong", "lost", "doubled"),
    ),
    Broken(
        "a repeated redemption is another one",
        "services/points/web/requests.py",
        'id = ids.derived_id("request", str(key.id), idempotency_key)',
        "id = ids.new_id()",
        ("points-web",),
        ("kill", "points-web"),
        ("doubled", "wrong"),
    ),
    Broken(
        "what LINE sends again is another question",
        "services/webhook/line_events.py",
        'return ids.derived_id("line", webhook_event_id)',
        "return ids.new_id()",
        ("webhook-web",),
        ("kill", "webhook-web"),
        ("doubled",),
        {"duplicate": 0.3, "redeliver": 0.3},
    ),
)


def copy(folder: Path) -> Path:
    """This clone's packages in `folder`, as they are now."""
    ignored = shutil.ignore_patterns("__pycache__")
    for package in versions.PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    return folder


def breaks(build: Broken, folder: Path) -> None:
    """Break the code in `folder`. Raises ValueError when the code is not as it was."""
    text = (ROOT / build.file).read_text(encoding="utf-8")
    if text.count(build.right) != 1:
        raise ValueError(f"{build.file} does not say once: {build.right}")
    (folder / build.file).write_text(text.replace(build.right, build.wrong), encoding="utf-8")


def mends(build: Broken, folder: Path) -> None:
    """Put the right code back."""
    shutil.copyfile(ROOT / build.file, folder / build.file)


def unknown(build: Broken) -> set[str]:
    """Processes that it names and nobody has."""
    return set(build.processes) - {each.name for each in PROCESSES}
