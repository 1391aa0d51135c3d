"""`/sandbox/…`: what scripts, tests and the page use to act as LINE's users and to look on.

Owns the HTTP of it. What an act means stands in `user_acts`.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.sandbox import id_tokens, user_acts
from deploy.sandbox.faults import FaultSettings
from deploy.sandbox.people import User
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.webhook_events import Event
from shared.problems import Problem, malformed

MOST_LANDINGS = 10_000
MOST_BULK = 100_000
BULK_WEBHOOK_EVENTS = 50

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Body = TypeVar("Body", bound=Struct)


class NewUser(Struct, forbid_unknown_fields=True):
    name: Name = "ゲスト"
    user_id: str | None = None


class NewUsers(Struct, forbid_unknown_fields=True):
    count: Annotated[int, Meta(ge=1, le=MOST_BULK)]
    name: Name = "User"
    follow: bool = False


class Say(Struct, forbid_unknown_fields=True):
    text: str


class Tap(Struct, forbid_unknown_fields=True):
    data: str
    display_text: str = ""


class Scan(Struct, forbid_unknown_fields=True):
    code: str


def answer(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def sandbox_of(request: Request) -> Sandbox:
    found: Sandbox = request.app.state.sandbox
    return found


async def body_of(request: Request, form: type[Body]) -> Body:
    """The JSON body in the given form, or a problem that says what is wrong with it."""
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=form)
    except msgspec.ValidationError as problem:
        raise Problem(422, "invalid", str(problem)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise malformed("The body must be JSON.") from None


def user_of(request: Request) -> User:
    user = sandbox_of(request).platform.people.find(request.path_params["user_id"])
    if user is None:
        raise Problem(404, "not-found", "There is no such user. POST /sandbox/users makes one.")
    return user


def act(do: Callable[[Request, User], Awaitable[Event | None]]) -> Callable[..., Any]:
    """An endpoint that lets a user do something and sends what comes of it."""

    async def endpoint(request: Request) -> Response:
        user = user_of(request)
        try:
            event = await do(request, user)
        except user_acts.Impossible as reason:
            raise Problem(409, "impossible", f"{reason}.") from None
        if event:
            sandbox_of(request).sender.submit([event])
        sent = event["webhookEventId"] if event else None
        return answer({"user_id": user.user_id, "webhook_event_id": sent})

    return endpoint


@act
async def follow(request: Request, user: User) -> Event | None:
    return user_acts.follow(sandbox_of(request).platform, user)


@act
async def unfollow(request: Request, user: User) -> Event | None:
    return user_acts.unfollow(sandbox_of(request).platform, user)


@act
async def say(request: Request, user: User) -> Event | None:
    words = await body_of(request, Say)
    return user_acts.say(sandbox_of(request).platform, user, words.text)


@act
async def tap(request: Request, user: User) -> Event | None:
    tapped = await body_of(request, Tap)
    return user_acts.tap(sandbox_of(request).platform, user, tapped.data, tapped.display_text)


@act
async def scan(request: Request, user: User) -> Event | None:
    scanned = await body_of(request, Scan)
    user_acts.scan(sandbox_of(request).platform, user, scanned.code)
    return None


async def new_user(request: Request) -> Response:
    new = await body_of(request, NewUser)
    try:
        user = sandbox_of(request).platform.people.add(new.name, new.user_id)
    except ValueError as reason:
        raise Problem(422, "invalid", f"{reason}.") from None
    return answer({"user_id": user.user_id, "name": user.name}, 201)


async def new_users(request: Request) -> Response:
    """Many users at once; with `follow`, webhooks of many events, as LINE may send them."""
    new = await body_of(request, NewUsers)
    sandbox = sandbox_of(request)
    platform = sandbox.platform
    try:
        users = [platform.people.add(f"{new.name} {n + 1}") for n in range(new.count)]
    except ValueError as reason:
        raise Problem(422, "invalid", f"{reason}.") from None
    if new.follow:
        events = [event for user in users if (event := user_acts.follow(platform, user))]
        for start in range(0, len(events), BULK_WEBHOOK_EVENTS):
            sandbox.sender.submit(events[start : start + BULK_WEBHOOK_EVENTS])
    return answer({"user_ids": [user.user_id for user in users]}, 201)


async def users(request: Request) -> Response:
    newest = sandbox_of(request).platform.people.newest(100)
    return answer({"items": [shown(user) for user in newest], "next": None})


def shown(user: User) -> dict[str, Any]:
    return {
        "user_id": user.user_id,
        "name": user.name,
        "following": user.following,
        "blocked": user.blocked,
    }


async def messages(request: Request) -> Response:
    user = user_of(request)
    received = sandbox_of(request).platform.deliveries.received(user.user_id)
    items = [
        {
            "kind": delivery.kind,
            "messages": delivery.messages,
            "at": moment(delivery.at),
            "retry_key": delivery.retry_key,
            "to": delivery.to,
        }
        for delivery in received
    ]
    return answer({"items": items, "next": None})


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


async def id_token(request: Request) -> Response:
    user, sandbox = user_of(request), sandbox_of(request)
    token = id_tokens.issue(
        sandbox.token_key,
        channel_id=sandbox.settings.line_login_channel_id,
        user_id=user.user_id,
        name=user.name,
        at=int(sandbox.platform.seconds()),
    )
    return answer({"id_token": token, "user_id": user.user_id, "name": user.name})


async def take_scan(request: Request) -> Response:
    """The oldest scanned code that no page has taken yet; null when there is none."""
    user = user_of(request)
    return answer({"value": user.scans.popleft() if user.scans else None})


async def stats(request: Request) -> Response:
    sandbox = sandbox_of(request)
    platform = sandbox.platform
    return answer(
        {
            **platform.outcomes,
            "messages_delivered": platform.deliveries.total,
            "users": len(platform.people),
            "quota_used": platform.quota.used(platform.seconds()),
            "retry_keys": len(platform.retry_keys),
            "webhooks_outstanding": sandbox.sender.outstanding,
        }
    )


async def deliveries(request: Request) -> Response:
    """Every delivery since a cursor, for load checks: who, what, when; no messages."""
    after = _number(request, "after", 0, 2**62)
    limit = _number(request, "limit", MOST_LANDINGS, MOST_LANDINGS)
    found = sandbox_of(request).platform.deliveries.landings(after, limit)
    return answer({"items": found, "next": found[-1].cursor if found else after})


def _number(request: Request, name: str, default: int, high: int) -> int:
    given = request.query_params.get(name, str(default))
    if not given.isascii() or not given.isdigit() or int(given[:20]) > high:
        raise Problem(422, "invalid", f"{name} must be a number from 0 to {high}.")
    return int(given)


async def get_faults(request: Request) -> Response:
    return answer(sandbox_of(request).platform.faults.shown())


async def put_faults(request: Request) -> Response:
    """Replace the faults in force; what is left out returns to its default."""
    settings = await body_of(request, FaultSettings)
    platform = sandbox_of(request).platform
    platform.set_faults(settings)
    return answer(platform.faults.shown())


async def reset(request: Request) -> Response:
    sandbox = sandbox_of(request)
    sandbox.sender.forget()
    sandbox.platform.reset()
    return answer({"status": "empty"})


def _post(path: str, endpoint: Callable[..., Any]) -> Route:
    return Route(path, endpoint, methods=["POST"])


_USER = "/sandbox/users/{user_id}"
ROUTES = [
    _post("/sandbox/users", new_user),
    Route("/sandbox/users", users),
    _post("/sandbox/users/bulk", new_users),
    _post(f"{_USER}/follow", follow),
    _post(f"{_USER}/unfollow", unfollow),
    _post(f"{_USER}/say", say),
    _post(f"{_USER}/tap", tap),
    _post(f"{_USER}/scan", scan),
    _post(f"{_USER}/scan/take", take_scan),
    Route(f"{_USER}/messages", messages),
    Route(f"{_USER}/id-token", id_token),
    Route("/sandbox/stats", stats),
    Route("/sandbox/deliveries", deliveries),
    Route("/sandbox/faults", get_faults),
    Route("/sandbox/faults", put_faults, methods=["PUT"]),
    _post("/sandbox/reset", reset),
]
