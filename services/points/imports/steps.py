"""The steps of an import that its owner takes: try it out, run it, stop it, undo it, throw it away.

Each locks the import, so that no page of it is under way. What has been done already is done again
without effect.
"""

from typing import Literal

from services.points.errors import NotNow
from services.points.imports import choices
from services.points.imports.choices import Choices
from services.points.store import import_effects, import_rows
from services.points.store import imports as store
from services.points.store.imports import Import
from shared import clock
from shared.bus.handling import Connection

TRIED_OUT = ("mapping", "checked")
"""Steps from which it can be tried out, again with other choices too."""


async def check(connection: Connection, found: Import, made: Choices) -> None:
    """Try it out with these choices. Raises NotNow, BadChoice."""
    if found.state not in TRIED_OUT:
        raise _not_now(found)
    await _with_contents(connection, found)
    choices.checked(made, found)
    await import_rows.forget(connection, found.id)
    await store.choose(connection, found.id, choices.settings_of(made))
    await store.move(connection, found.id, "checking", clock.now())


async def run(connection: Connection, found: Import) -> None:
    """Run it as the dry run showed it, or go on where it stopped. Raises NotNow."""
    if found.state == "running":
        return
    if found.state not in ("checked", "paused"):
        raise _not_now(found)
    await _with_contents(connection, found)
    totals = found.totals or {}
    if found.state == "checked":
        if not totals.get("new") and not totals.get("matched"):
            raise NotNow(
                "nothing-to-import",
                "取り込める行がありません。エラーを直したファイルを送ってください。",
                "No row can be taken in. Send a file in which the errors are corrected.",
            )
        if choices.chosen(found).bad_rows == "refuse" and totals.get("bad"):
            raise NotNow(
                "bad-rows",
                "取り込めない行があります。直したファイルを送るか、その行を除く設定にしてください。",
                "Some rows cannot be taken in. Correct them and send the file again, or choose to "
                "leave them out.",
            )
    position = found.position if found.state == "paused" else 0
    await store.move(connection, found.id, "running", clock.now(), position=position)


async def pause(connection: Connection, found: Import) -> None:
    """Stop it where it is; what is done stays. A dry run is given up. Raises NotNow."""
    if found.state == "paused":
        return
    if found.state == "checking":
        await import_rows.forget(connection, found.id)
        await store.move(connection, found.id, "mapping", clock.now())
    elif found.state == "running":
        await store.move(connection, found.id, "paused", clock.now(), position=found.position)
    else:
        raise _not_now(found)


async def undo(connection: Connection, found: Import, spent: Literal["refuse", "keep"]) -> None:
    """Undo what it did. `spent`: whether the whole is refused where something of it was spent, or
    those rows are left. Raises NotNow."""
    if found.state in ("undoing", "undone"):
        return
    if found.state not in ("done", "paused"):
        raise _not_now(found)
    touched = await import_effects.touched(connection, found.id)
    if touched and spent == "refuse":
        raise NotNow(
            "spent",
            f"{touched:,}行のポイントは、すでに使われたか、失効したか、ほかの会員に統合されています。"
            "その行を残して取り消すこともできます。",
            f"The points of {touched:,} rows were spent or have expired, or their members were "
            "merged. You can undo all the other rows.",
        )
    await store.move(connection, found.id, "undoing", clock.now())


async def discard(connection: Connection, found: Import) -> None:
    """Delete what its rows hold, before or after it is run. Raises NotNow while it is worked on."""
    if found.state in store.WORKING:
        raise _not_now(found)
    await store.forget(connection, found.id)
    if found.state in TRIED_OUT:
        words = {"ja": "取り込まずに破棄しました。", "en": "It was thrown away without being run."}
        await store.move(connection, found.id, "failed", clock.now(), problem=words, finished=True)


async def _with_contents(connection: Connection, found: Import) -> None:
    if not await store.has_contents(connection, found.id):
        raise NotNow(
            "contents-gone",
            "内容は保存期間を過ぎて削除されました。ファイルをもう一度送ってください。",
            "What it held has been deleted by age. Send the file again.",
        )


_STATES = {
    "reading": ("読み取り中です。少しお待ちください。", "It is being read. Wait a moment."),
    "mapping": ("先に試し取り込みをしてください。", "Try it out first."),
    "checking": ("試し取り込みの途中です。", "It is being tried out."),
    "checked": ("試し取り込みが済んでいます。", "It was tried out."),
    "running": ("取り込みの途中です。", "It is running."),
    "paused": ("途中で止まっています。", "It has stopped half-way."),
    "done": ("取り込み済みです。", "It is done."),
    "undoing": ("取り消しの途中です。", "It is being undone."),
    "undone": ("取り消し済みです。", "It was undone."),
    "failed": ("この取り込みは終わっています。", "This import is over."),
}


def _not_now(found: Import) -> NotNow:
    ja, en = _STATES[found.state]
    return NotNow("not-now", ja, en)
