"""Every operation and every page of every service, opened by everybody: who is refused is who the
table (`shared.web.roles`) and the navigation say. Nothing else is reached: the house is empty."""

import contextlib
import inspect
import re
from collections.abc import AsyncIterator, Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from services.notify.web import app as notify
from services.notify.web.pages import PAGES as NOTIFY_PAGES
from services.points.web import app as points
from services.points.web.pages import PAGES as POINTS_PAGES
from services.scheduler.web import app as scheduler
from services.scheduler.web.pages import PAGES as SCHEDULER_PAGES
from shared import problems
from shared.keys import Keys
from shared.web import api, auth, navigation, pages, roles, sessions, staff
from shared.web.staff import Gate
from tests.staff import SESSION_KEY, shown, signed_in, someone

SERVICES = {
    "points": (points, POINTS_PAGES),
    "notify": (notify, NOTIFY_PAGES),
    "scheduler": (scheduler, SCHEDULER_PAGES),
}
OPEN = re.compile(
    r"/(card|link|join|notices|invitation|session|static)(/|$)"
    r"|/(sign-in|openapi\.json|schedules|counter/(worker\.js|manifest\.json)|)$"
)
"""Addresses that ask nobody to be signed in, or ask in a way of their own."""
PEOPLE = [(role, None) for role in roles.ROLES] + [("manager", ["main"])]
GUARDS = (staff._any, staff._viewer, staff._manager, staff._owner, staff._counter)
ID = "01a22357-09b1-7000-bd89-26cc6237c34a"


class Operation(NamedTuple):
    """A route of a service, by method and template."""

    service: str
    method: str
    path: str
    guarded: bool
    is_api: bool

    @property
    def address(self) -> str:
        """Something that its template takes."""
        filled = re.sub(r"\{version\}", "1", self.path)
        return re.sub(r"\{[^}]+\}", "main", re.sub(r"\{(\w*_)?id\}", ID, filled))


def _dependencies(dependant: Any) -> Iterator[Any]:
    for each in dependant.dependencies:
        yield each.call
        yield from _dependencies(each)


def _routes(router: Any) -> Iterator[APIRoute]:
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from _routes(route.original_router)


def _operations() -> Iterator[Operation]:
    for service, (module, _) in SERVICES.items():
        for route in _routes(module.documented()):
            calls = list(_dependencies(route.dependant))
            for method in sorted(route.methods - {"HEAD"}):
                yield Operation(
                    service,
                    method,
                    route.path,
                    any(call in GUARDS for call in calls),
                    auth._authenticated in calls,
                )


OPERATIONS = sorted(set(_operations()))
API = [each for each in OPERATIONS if each.path.startswith("/v1/")]
PAGES = [each for each in OPERATIONS if each.guarded and not each.path.startswith("/v1/")]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails in an empty house is nobody's concern; to write it down takes most of the time."""
    monkeypatch.setattr(problems, "log", SimpleNamespace(error=lambda *_, **__: None))


def name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


class _Nobody:
    """A database in which nothing is."""

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator["_Nobody"]:
        yield self

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    async def fetch(self, *_: Any) -> list[Any]:
        return []

    async def fetchval(self, *_: Any) -> bool:
        return False

    async def fetchrow(self, *_: Any) -> None:
        return None

    async def execute(self, *_: Any) -> str:
        return ""


class _Unlimited:
    async def wait_seconds(self, _: str) -> int:
        return 0

    async def close(self) -> None:
        pass


async def _no_key(*_: Any) -> None:
    return None


@cache
def app(service: str) -> FastAPI:
    """The service's routes, in an empty house."""
    module, its_pages = SERVICES[service]
    made: FastAPI = module.documented()
    process: Any = SimpleNamespace(
        pool=_Nobody(), on_stop=[], checks={}, settings=SimpleNamespace(bus_namespace="x")
    )
    gate = Gate(Keys(SESSION_KEY), "")
    api.serve(made, process, _no_key, gate, redis_url="redis://x.invalid", name=service, rate=1)
    pages.install(made, its_pages)
    made.state.rate_limit = _Unlimited()
    return made


async def opened(operation: Operation, **given: Any) -> httpx.Response:
    """What comes of a call; whatever happens beyond the door is an error of some kind."""
    transport = httpx.ASGITransport(app=app(operation.service), raise_app_exceptions=False)
    given.setdefault("headers", {})
    given["headers"] = {
        **given["headers"],
        "Idempotency-Key": "x",
        "Content-Type": "application/json",
    }
    async with httpx.AsyncClient(transport=transport, base_url="http://points") as client:
        body = b"" if operation.method == "GET" else b"{}"
        return await client.request(operation.method, operation.address, content=body, **given)


def refused(answer: httpx.Response) -> str | None:
    """The kind of refusal for who somebody is; None if it was let through."""
    if answer.status_code not in (401, 403):
        return None
    kind: str = answer.json()["type"].removeprefix("urn:tamaru:problem:")
    return kind if kind in ("role", "all-stores", "csrf", "unauthenticated") else None


@pytest.mark.parametrize("operation", API, ids=name)
async def test_each_role_is_refused_what_the_table_does_not_allow(operation: Operation) -> None:
    wanted = {None: None, "role": "role", "stores": "all-stores"}
    hint = "shared/web/roles.py and what the route asks for (OwnerOnly …) must agree"
    for role, stores in PEOPLE:
        answer = await opened(operation, **signed_in(role, stores, "main"))
        why = roles.refusal(role, stores is not None, operation.method, operation.path)
        assert refused(answer) == wanted[why], (role, stores, answer.text, hint)


@pytest.mark.parametrize("operation", API, ids=name)
async def test_nobody_gets_in_without_a_key_or_a_session(operation: Operation) -> None:
    assert refused(await opened(operation)) == "unauthenticated"
    forged = {"Cookie": "tamaru_staff=e30.AAAA", "Authorization": "Bearer made-up"}
    assert refused(await opened(operation, headers=forged)) == "unauthenticated"


@pytest.mark.parametrize("operation", [each for each in API if each.method != "GET"], ids=name)
async def test_no_change_passes_without_the_session_s_csrf_token(operation: Operation) -> None:
    headers = shown(someone("owner"))["headers"]
    del headers["X-CSRF-Token"]
    assert refused(await opened(operation, headers=headers)) == "csrf"
    headers["X-CSRF-Token"] = someone("owner").csrf
    assert refused(await opened(operation, headers=headers)) == "csrf"


def readers(path: str) -> tuple[str, ...]:
    """Who may open a page: those who see its area in the navigation."""
    area = navigation.current(path)
    if path.startswith("/console/account") or not area:
        return roles.ROLES
    return next(
        each.roles for group in navigation.GROUPS for each in group.areas if each.address == area
    )


@pytest.mark.parametrize("operation", PAGES, ids=name)
async def test_each_page_opens_for_those_who_see_its_area_only(operation: Operation) -> None:
    assert operation.method == "GET", "pages only show: changes go through /v1"
    for role in roles.ROLES:
        answer = await opened(operation, **signed_in(role, store="main"))
        if role not in readers(operation.path):
            assert answer.status_code == 403, (role, answer.status_code)
        if role == "owner":
            assert answer.status_code != 403, answer.text


@pytest.mark.parametrize("operation", PAGES, ids=name)
async def test_who_is_not_signed_in_is_led_to_the_sign_in_and_scripts_are_told(
    operation: Operation,
) -> None:
    answer = await opened(operation)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/session/renew?next=%2F")
    told = await opened(operation, headers={"HX-Request": "true"})
    assert told.json()["type"] == "urn:tamaru:problem:session-expired"


@pytest.mark.parametrize("service", SERVICES)
async def test_a_session_that_was_ended_is_refused_by_each_service(
    monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    ended: list[Any] = []

    async def is_ended(_: Any, session: Any) -> bool:
        ended.append(session)
        return True

    monkeypatch.setattr(sessions, "is_ended", is_ended)
    person = someone("owner")
    for operation in [each for each in API if each.service == service]:
        answer = await opened(operation, **shown(person))
        assert answer.json()["type"] == "urn:tamaru:problem:session-expired", operation
    assert set(ended) == {person.session_id}


def test_what_asks_nobody_who_they_are_is_known() -> None:
    unguarded = {each.path for each in OPERATIONS if not each.guarded and not each.is_api}
    assert {path for path in unguarded if not OPEN.match(path)} == set()


def test_pages_name_their_reader_by_the_guards() -> None:
    assert all(inspect.iscoroutinefunction(guard) for guard in GUARDS)
    assert len(API) > 150 and len(PAGES) > 10
