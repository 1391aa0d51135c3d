"""What happened before somebody was erased has no effect when it is heard of later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notify import personal
from services.notify.store import personal as store_personal
from shared.bus.handling import Batch
from shared.events import ChatDataRequested, new_event

ERASED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)


def asked(user: str, seconds: int) -> Any:
    event = new_event("/test", ChatDataRequested(user, "balance"))
    event.time = ERASED_AT + timedelta(seconds=seconds)
    return event


@pytest.mark.parametrize(
    ("events", "handled"),
    [
        ([asked("U1", -1)], None),
        ([asked("U1", 0)], None),
        ([asked("U1", 1)], [0]),
        ([asked("U1", -1), asked("U2", -1), asked("U1", 1)], [1, 2]),
    ],
)
async def test_only_what_happened_after_the_erasure_is_handled(
    monkeypatch: pytest.MonkeyPatch, events: list[Any], handled: list[int] | None
) -> None:
    async def erased(_: object, users: set[str]) -> dict[str, datetime]:
        return {user: ERASED_AT for user in users if user == "U1"}

    seen: list[list[Any]] = []

    async def handler(_: Batch, kept: list[Any]) -> None:
        seen.append(kept)

    monkeypatch.setattr(store_personal, "erased", erased)
    wrapped = personal.unless_erased(handler, personal.told)
    await wrapped(Batch(None), events)  # type: ignore[arg-type]
    assert seen == ([] if handled is None else [[events[n] for n in handled]])


def test_a_hash_is_the_same_everywhere_and_not_the_id() -> None:
    user = "U" + "1" * 32
    assert store_personal.hash_of(user) == store_personal.hash_of(user)
    assert (len(store_personal.hash_of(user)), user in store_personal.hash_of(user)) == (64, False)
