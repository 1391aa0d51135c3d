"""What the routes under `/sandbox/` share: bodies in, answers out, the user in the path."""

from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from deploy.sandbox.people import User
from deploy.sandbox.sandbox import Sandbox
from shared.problems import Problem, malformed

Body = TypeVar("Body", bound=Struct)


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
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed("The body must be JSON.") from None


def user_of(request: Request) -> User:
    user = sandbox_of(request).platform.people.find(request.path_params["user_id"])
    if user is None:
        raise Problem(404, "not-found", "There is no such user. POST /sandbox/users makes one.")
    return user


def shown(user: User) -> dict[str, Any]:
    return {
        "user_id": user.user_id,
        "name": user.name,
        "language": user.language,
        "picture_url": user.picture_url,
        "status_message": user.status_message,
        "following": user.following,
        "blocked": user.blocked,
    }


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def number(request: Request, name: str, default: int, high: int) -> int:
    """A whole number from the query, from 0 to `high`."""
    given = request.query_params.get(name, str(default))
    if not given.isascii() or not given.isdigit() or int(given[:20]) > high:
        raise Problem(422, "invalid", f"{name} must be a number from 0 to {high}.")
    return int(given)
