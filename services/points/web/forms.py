"""Plain forms, as a browser without script sends them, and where they come from."""

from urllib.parse import parse_qsl, urlsplit

from fastapi import Request

from shared.problems import Problem, malformed

MOST_BODY = 8192


async def fields(request: Request, *names: str) -> dict[str, str]:
    """The form's fields, stripped; empty where one is missing. Raises Problem 400 for no form."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise malformed("Send a form of at most 8 KB.")
    try:
        given = dict(parse_qsl(body.decode(), max_num_fields=20, errors="strict"))
    except ValueError:
        raise malformed("Send the fields of a form.") from None
    return {name: given.get(name, "").strip().replace("\x00", "") for name in names}


def require_own(request: Request) -> None:
    """Refuse what a page of somebody else sends: a browser says where a POST comes from, and no
    page can change that. Raises Problem 403."""
    origin = request.headers.get("origin", "")
    if not origin or urlsplit(origin).netloc != request.headers.get("host"):
        raise Problem(
            403,
            "csrf",
            "このサイトのページからもう一度お試しください。 Send this from a page of this site.",
        )


def address_of(request: Request) -> str:
    """Who calls, as the edge in front says; it writes the last entry itself."""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded or (request.client.host if request.client else "")
