"""Times are told in the program's time zone, which comes with `program.published`."""

from datetime import UTC, datetime, timedelta

from services.notify import looked_up, program_zone
from shared.bus import deadletters
from shared.events import ProgramPublished, new_event

NOON = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)


def published(version: int, time_zone: str, starts: datetime = NOON):
    return new_event("/points/program", ProgramPublished(version, starts, time_zone, "JPY"))


async def test_times_are_told_in_the_zone_of_the_newest_program(notify, kit):
    async with notify.running() as running:
        await running.tell(kit.earned(occurred_at=NOON))
        assert "2026/05/10 21:00" in (await running.settled(1))[0]["messages"]
        await running.tell(published(3, "America/New_York"), published(2, "Asia/Seoul"))

        async def both() -> bool:
            row = await running.pool.fetchrow("SELECT version, time_zone FROM program")
            return row and tuple(row) == (3, "America/New_York")

        await kit.until(both)
        await running.tell(published(1, "Europe/Berlin"))
        await running.tell(kit.earned(occurred_at=NOON))
        assert "2026/05/10 08:00" in (await running.settled(2))[1]["messages"]
        assert await both()


async def test_the_version_that_started_last_counts_whatever_its_number(notify, kit):
    async with notify.running() as running:
        await running.tell(published(3, "America/New_York"))

        async def zone() -> str:
            return await running.pool.fetchval("SELECT time_zone FROM program")

        async def first() -> bool:
            return await zone() == "America/New_York"

        async def second() -> bool:
            return await zone() == "Asia/Seoul"

        await kit.until(first)
        await running.tell(published(2, "Asia/Seoul", NOON + timedelta(days=1)))
        await kit.until(second)


async def test_a_process_that_heard_nothing_looks_the_zone_up(notify, kit, monkeypatch):
    monkeypatch.setattr(looked_up, "LOOK_SECONDS", 0.02)
    async with notify.running() as running:
        await running.tell(kit.earned(occurred_at=NOON))
        await running.settled(1)
        await running.pool.execute("INSERT INTO program VALUES (true, 1, 'Europe/Berlin')")
        zone = program_zone.ProgramZone()
        assert str(await zone.ready(running.pool)) == "Europe/Berlin"

        async def told_anew() -> bool:
            await running.tell(kit.earned(occurred_at=NOON))
            rows = await running.rows()
            return "2026/05/10 14:00" in rows[-1]["messages"]

        await kit.until(told_anew)


async def test_a_zone_that_nobody_knows_is_a_dead_letter_and_harms_nothing(notify, kit):
    async with notify.running() as running:
        await running.tell(published(1, "Mars/Olympus"), kit.earned(occurred_at=NOON))
        assert "2026/05/10 21:00" in (await running.settled(1))[0]["messages"]

        async def buried() -> list[str]:
            settings = notify.settings
            url = settings.amqp_url.get_secret_value()
            async with deadletters.opened(url, settings.bus_namespace) as office:
                return [held.letter.reason async for held in office.letters()]

        assert await kit.until(buried) == ["UnknownZone: unknown time zone 'Mars/Olympus'"]
        assert await running.pool.fetchval("SELECT count(*) FROM program") == 0
