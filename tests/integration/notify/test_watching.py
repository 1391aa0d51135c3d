"""What an operator sees when messages do not go out."""

from datetime import timedelta

from prometheus_client import REGISTRY
from pydantic import SecretStr

from services.notify.quota import reader
from services.notify.sending.delivery_watch import DeliveryWatch
from shared import clock


def lag(kind: str = "notice") -> float | None:
    return REGISTRY.get_sample_value("tamaru_notify_delivery_lag_seconds", {"kind": kind})


def refused() -> float | None:
    return REGISTRY.get_sample_value("tamaru_notify_line_token_refused")


async def test_a_notice_that_line_does_not_take_grows_late(notify, line, kit) -> None:
    line.always = "500"
    async with notify.running() as worker:
        await worker.tell(kit.earned())
        await kit.until(lambda: len(line.calls) > 1)
        clock.set_offset(timedelta(minutes=3))
        watch = DeliveryWatch(worker.pool)

        async def late() -> bool:
            await watch.look()
            return (lag() or 0) >= 180

        await kit.until(late)
        assert lag("campaign") == 0
        line.always = None
        await worker.settled(1)
        await watch.look()
        assert lag() == 0


async def test_a_refused_token_is_seen_by_a_push_and_forgotten_when_line_takes_it(
    notify, line, kit
) -> None:
    line.script = ["401"]
    async with notify.running() as worker:
        await worker.tell(kit.earned())
        await kit.until(lambda: refused() == 1)
        clock.set_offset(timedelta(minutes=3))
        await worker.settled(1)
        assert refused() == 0


async def test_a_refused_token_is_seen_without_any_message_and_never_logged(
    notify, line, kit, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(reader, "LOOK_SECONDS", 0.05)
    line.token_is_good = False
    async with notify.running(line_channel_access_token=SecretStr("hush-hush")):
        await kit.until(lambda: refused() == 1)
        line.token_is_good = True
        clock.set_offset(timedelta(minutes=6))
        await kit.until(lambda: refused() == 0)
    told = capsys.readouterr().out
    assert "quota not read" in told
    assert "hush-hush" not in told
