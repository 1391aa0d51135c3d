"""A points service that only answers: its API and pages on a real database, no broker."""

from typing import Any
from uuid import UUID

import httpx
import msgspec

from services.points.staff import audit, passwords
from services.points.store import staff as store
from shared import clock, ids
from shared.bus.handling import Batch
from shared.events import Event, KeyActed, StaffActed
from shared.web import session_token
from shared.web.session_token import Staff
from tests.staff import SESSION_KEY, shown

ORIGIN = "http://points"
OURS = {"Origin": ORIGIN}
TOKEN, SESSION, DEVICE = "tamaru_staff", "tamaru_session", "tamaru_device"
LOGIN, PASSWORD = "owner@example.com", "a long enough password"

KINDS: dict[str, Any] = {"staff.acted.v1": StaffActed, "key.acted.v1": KeyActed}

_hashes: dict[str, str] = {}


class Unsent:
    """A relay that sends nothing: what was emitted stays in the outbox."""

    async def hand_over(self, rows: object) -> None:
        pass


async def hash_of(word: str) -> str:
    """A password's hash, made once: it takes its time on purpose."""
    if word not in _hashes:
        _hashes[word] = await passwords.hashed(word)
    return _hashes[word]


class Desk:
    """The service, and a browser at it."""

    def __init__(self, pool: Any, client: httpx.AsyncClient, app: Any) -> None:
        self.pool = pool
        self.client = client
        self.app = app

    async def somebody(
        self,
        role: str = "owner",
        *,
        login: str | None = LOGIN,
        stores: list[str] | None = None,
        pin: str | None = None,
        name: str = "山田",
        line: str | None = None,
        password: str | None = PASSWORD,
    ) -> UUID:
        """Somebody who works here."""
        id = ids.new_id()
        async with self.pool.acquire() as connection:
            assert await store.add(
                connection,
                id=id,
                login=login,
                name=name,
                role=role,
                stores=stores,
                now=clock.now(),
                password_hash=await hash_of(password) if password else None,
                line_user_id=line,
            )
            if pin:
                await store.put_pin(connection, id, await hash_of(pin), clock.now())
        return id

    async def store(self, code: str, name: str = "2号店") -> None:
        """One more store."""
        await self.pool.execute(
            "INSERT INTO stores VALUES (gen_random_uuid(), $1, $2, true, 1)", code, name
        )

    async def enter(self, login: str = LOGIN, password: str = PASSWORD, **given: str) -> Any:
        """Sign in with a password."""
        form = {"login": login, "password": password, **given}
        return await self.client.post("/session/sign-in", data=form, headers=OURS)

    def token(self) -> Staff:
        """What the browser shows."""
        return session_token.read(self.client.cookies[TOKEN], SESSION_KEY, clock.now())

    def acting(self, key: str | None = None) -> dict[str, Any]:
        """What its pages send along with a change."""
        headers = shown(self.token(), key)["headers"]
        del headers["Cookie"]  # the browser has it
        return {"headers": headers}

    async def told(self, event_type: str) -> list[dict[str, Any]]:
        """The data of events that stood in the outbox, in order."""
        rows = await self.pool.fetch("SELECT body FROM said WHERE type = $1 ORDER BY n", event_type)
        return [event["data"] for row in rows for event in msgspec.json.decode(row["body"])]

    async def kept(self) -> list[Any]:
        """The audit log, once all that was told is in it."""
        rows = await self.pool.fetch("SELECT type, body FROM said WHERE type LIKE '%.acted.v1'")
        events = [
            msgspec.convert(each, Event[KINDS[row["type"]]])
            for row in rows
            for each in msgspec.json.decode(row["body"])
        ]
        async with self.pool.acquire() as connection, connection.transaction():
            await audit.keep(Batch(connection), events)
        return list(await self.pool.fetch("SELECT * FROM audit_log ORDER BY at, id"))


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The status and the kind of a problem."""
    return answer.status_code, answer.json()["type"].removeprefix("urn:tamaru:problem:")
