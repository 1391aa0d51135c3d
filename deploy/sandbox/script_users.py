"""`/sandbox/users…`: who there is, and what they do on their phones.

Owns the HTTP of it. What an act means stands in `user_acts`.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.sandbox import id_tokens, user_acts
from deploy.sandbox.people import User
from deploy.sandbox.script_http import answer, body_of, moment, sandbox_of, shown, user_of
from deploy.sandbox.webhook_events import Event
from shared.problems import Problem

MOST_BULK = 100_000
BULK_WEBHOOK_EVENTS = 50

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Language = Annotated[str, Meta(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$", max_length=35)]
Picture = Annotated[str, Meta(pattern=r"^https://\S+$", max_length=2000)]
Status = Annotated[str, Meta(max_length=500)]


class NewUser(Struct, forbid_unknown_fields=True):
    name: Name = "ゲスト"
    user_id: str | None = None
    language: Language | None = "ja"
    picture_url: Picture | None = None
    status_message: Status | None = None


class UserChange(Struct, forbid_unknown_fields=True):
    """What is left out stays; null takes away."""

    name: Name | UnsetType = UNSET
    language: Language | UnsetType | None = UNSET
    picture_url: Picture | UnsetType | None = UNSET
    status_message: Status | UnsetType | None = UNSET


class NewUsers(Struct, forbid_unknown_fields=True):
    count: Annotated[int, Meta(ge=1, le=MOST_BULK)]
    name: Name = "User"
    language: Language | None = "ja"
    follow: bool = False


class Say(Struct, forbid_unknown_fields=True):
    text: str


class Tap(Struct, forbid_unknown_fields=True):
    """`params` is what a date picker chose: one of `date`, `time`, `datetime`."""

    data: str
    display_text: str = ""
    params: dict[str, Annotated[str, Meta(max_length=32)]] | None = None


class Switch(Struct, forbid_unknown_fields=True):
    alias: str
    data: str


class Click(Struct, forbid_unknown_fields=True):
    """`number` is the delivery's, as its timeline has it; bubbles count from 1."""

    number: int
    url: str
    bubble: Annotated[int, Meta(ge=1, le=5)] = 1


class Looks(Struct, forbid_unknown_fields=True):
    """Many people look at what they got; with a URL, each also opens it in the newest."""

    user_ids: Annotated[list[str], Meta(max_length=MOST_BULK)]
    url: str | None = None


class Scan(Struct, forbid_unknown_fields=True):
    code: str


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
    platform = sandbox_of(request).platform
    return user_acts.tap(platform, user, tapped.data, tapped.display_text, tapped.params)


@act
async def switch(request: Request, user: User) -> Event | None:
    wanted = await body_of(request, Switch)
    return user_acts.switch(sandbox_of(request).platform, user, wanted.alias, wanted.data)


@act
async def click(request: Request, user: User) -> Event | None:
    clicked = await body_of(request, Click)
    platform = sandbox_of(request).platform
    user_acts.click(platform, user, clicked.number, clicked.bubble, clicked.url)
    return None


async def look(request: Request) -> Response:
    opened = user_acts.look(sandbox_of(request).platform, user_of(request))
    return answer({"opened": opened})


async def looks(request: Request) -> Response:
    """Strangers among the ids are passed over."""
    asked = await body_of(request, Looks)
    platform = sandbox_of(request).platform
    people = [user for one in asked.user_ids if (user := platform.people.find(one))]
    opened = sum(user_acts.look(platform, user) for user in people)
    if asked.url is not None:
        for user in people:
            for newest in platform.deliveries.received(user.user_id)[-1:]:
                user_acts.click(platform, user, newest.number, 1, asked.url)
    return answer({"opened": opened})


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
    user.language, user.picture_url = new.language, new.picture_url
    user.status_message = new.status_message
    return answer(shown(user), 201)


async def change_user(request: Request) -> Response:
    """`PATCH /sandbox/users/{user_id}`: another name, language, picture or status."""
    user, change = user_of(request), await body_of(request, UserChange)
    for name, value in msgspec.structs.asdict(change).items():
        if value is not UNSET:
            setattr(user, name, value)
    platform = sandbox_of(request).platform
    if platform.on_change:
        platform.on_change()
    return answer(shown(user))


async def new_users(request: Request) -> Response:
    """Many users at once; with `follow`, webhooks of many events, as LINE may send them."""
    new = await body_of(request, NewUsers)
    sandbox = sandbox_of(request)
    platform = sandbox.platform
    try:
        users = [platform.people.add(f"{new.name} {n + 1}") for n in range(new.count)]
    except ValueError as reason:
        raise Problem(422, "invalid", f"{reason}.") from None
    for user in users:
        user.language = new.language
    if new.follow:
        events = [event for user in users if (event := user_acts.follow(platform, user))]
        for start in range(0, len(events), BULK_WEBHOOK_EVENTS):
            sandbox.sender.submit(events[start : start + BULK_WEBHOOK_EVENTS])
    return answer({"user_ids": [user.user_id for user in users]}, 201)


async def users(request: Request) -> Response:
    newest = sandbox_of(request).platform.people.newest(100)
    return answer({"items": [shown(user) for user in newest], "next": None})


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


def _post(path: str, endpoint: Callable[..., Any]) -> Route:
    return Route(path, endpoint, methods=["POST"])


_USER = "/sandbox/users/{user_id}"
ROUTES = [
    _post("/sandbox/users", new_user),
    Route("/sandbox/users", users),
    _post("/sandbox/users/bulk", new_users),
    _post("/sandbox/looks", looks),
    Route(_USER, change_user, methods=["PATCH"]),
    _post(f"{_USER}/follow", follow),
    _post(f"{_USER}/unfollow", unfollow),
    _post(f"{_USER}/say", say),
    _post(f"{_USER}/tap", tap),
    _post(f"{_USER}/switch", switch),
    _post(f"{_USER}/look", look),
    _post(f"{_USER}/click", click),
    _post(f"{_USER}/scan", scan),
    _post(f"{_USER}/scan/take", take_scan),
    Route(f"{_USER}/messages", messages),
    Route(f"{_USER}/id-token", id_token),
]
