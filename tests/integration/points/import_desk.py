"""Imports as tests make them: a file is sent, and a process that is called page by page works."""

from typing import Any
from uuid import UUID

import httpx

from services.points.imports.taking import Taking
from services.points.imports.work import ImportWork
from services.points.members.enrolment import Enrolment
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.takeouts import writing
from shared import ids
from shared.keys import Keys
from tests.integration.points.night_shop import NoRelay
from tests.integration.points.shop import QR_KEY, Points, owner

CONSENT = "紙の申込書"


class Desk:
    """The owner's side of imports."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self.pool = points.pool
        self.rulebook = Rulebook()
        awards = Awards(self.rulebook, Keys(QR_KEY))
        taking = Taking(self.rulebook, awards, Enrolment(self.rulebook, awards))
        self.process = ImportWork(self.rulebook, taking)

    async def send(self, file: str | bytes, key: str | None = None, **named: str) -> httpx.Response:
        """Send a file; text goes as UTF-8."""
        body = file.encode() if isinstance(file, str) else file
        return await self.points.client.post(
            "/v1/imports", content=body, params=named, headers=owner(key or ids.new_id().hex)
        )

    async def step(
        self, id: str, step: str, body: Any = None, key: str | None = None
    ) -> httpx.Response:
        """Take a step."""
        return await self.points.client.post(
            f"/v1/imports/{id}/{step}", json=body, headers=owner(key or ids.new_id().hex)
        )

    async def get(self, path: str) -> Any:
        """Whatever is at an address under the imports."""
        answer = await self.points.client.get(f"/v1/imports/{path}", headers=owner())
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def page(self) -> bool:
        """What the process does next."""
        relay: Any = NoRelay()
        return await self.process.page(self.pool, relay)

    async def work(self) -> None:
        """All that there is to do."""
        while await self.page():
            pass

    async def read(self, file: str | bytes, **named: str) -> Any:
        """An import whose file has been read."""
        answer = await self.send(file, **named)
        assert answer.status_code == 202, answer.text
        await self.work()
        return await self.get(answer.json()["id"])

    async def tried(self, file: str | bytes, preset: str = "other", **chosen: Any) -> Any:
        """An import that has been tried out, with the guessed columns unless others are chosen."""
        found = await self.read(file, preset=preset)
        assert found["state"] == "mapping", found
        body = {**found["choices"], "consent": CONSENT, **chosen}
        answer = await self.step(found["id"], "check", body)
        assert answer.status_code == 202, answer.text
        await self.work()
        return await self.get(found["id"])

    async def ran(self, file: str | bytes, preset: str = "other", **chosen: Any) -> Any:
        """An import that has been run."""
        found = await self.tried(file, preset, **chosen)
        answer = await self.step(found["id"], "run")
        assert answer.status_code == 202, answer.text
        await self.work()
        done = await self.get(found["id"])
        assert done["state"] == "done", done
        return done

    async def faults(self, id: str) -> dict[int, list[tuple[str, str | None]]]:
        """What is wrong with which row: kinds and columns."""
        page = await self.get(f"{id}/rows?fate=bad&limit=500")
        return {
            row["number"]: [(each["kind"], each["column"]) for each in row["faults"]]
            for row in page["items"]
        }

    async def found(self, **name: str) -> Any:
        """The member whom a name leads to."""
        answer = await self.points.client.get("/v1/members/lookup", params=name, headers=owner())
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def takeout(self) -> bytes:
        """The ZIP of everything."""
        answer = await self.points.client.post("/v1/exports", headers=owner(ids.new_id().hex))
        assert answer.status_code == 202, answer.text
        assert await writing.write_one(self.pool, self.rulebook)
        address = f"/v1/exports/{answer.json()['id']}"
        file = await self.points.client.get(f"{address}/file", headers=owner())
        assert file.status_code == 200, file.text
        return file.content

    async def entry(self, member: str) -> Any:
        """The member's newest entry as it is stored."""
        return await self.pool.fetchrow(
            "SELECT * FROM entries WHERE member_id = $1 ORDER BY id DESC LIMIT 1", UUID(member)
        )
