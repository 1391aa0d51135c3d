"""Errors over HTTP: always a problem document, and nothing of the inside."""

import json

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared import problems


async def fail(request: Request) -> Response:
    raise {
        "problem": problems.Problem(409, "conflict", "Use another key.", key="k"),
        "invalid": problems.invalid([("lines[0].amount", "must be an integer")]),
        "away": problems.unavailable("Nothing durable is reached.", 7),
        "bad": problems.malformed("This is no JSON."),
        "crash": RuntimeError("password=hunter2"),
    }[request.path_params["how"]]


@pytest.fixture
def answer(ask):
    """Ask, check that it is a problem document, and give (status, headers, document)."""
    app = Starlette(routes=[Route("/{how}", fail)])
    problems.install(app)

    async def answer(path: str, method: str = "GET"):
        status, headers, content = await ask(app, path, method)
        assert headers["content-type"] == "application/problem+json"
        body = json.loads(content)
        assert body["status"] == status
        assert set(body) >= {"type", "title", "detail"}
        return status, headers, body

    return answer


async def test_a_problem_says_what_to_do(answer):
    status, _, body = await answer("/problem")
    assert status == 409
    assert body == {
        "type": "urn:tamaru:problem:conflict",
        "title": "Conflict",
        "status": 409,
        "detail": "Use another key.",
        "key": "k",
    }


async def test_validation_lists_where(answer):
    status, _, body = await answer("/invalid")
    assert status == 422
    assert body["errors"] == [{"path": "lines[0].amount", "message": "must be an integer"}]


async def test_unavailable_says_when_to_come_again(answer):
    status, headers, _ = await answer("/away")
    assert status == 503
    assert 7 <= int(headers["retry-after"]) <= 10


def test_who_is_sent_away_together_does_not_come_back_together() -> None:
    asked = [int(problems.come_again(1)["Retry-After"]) for _ in range(200)]
    assert set(asked) == {1, 2, 3}
    assert 30 <= int(problems.come_again(30)["Retry-After"]) <= 45


async def test_malformed(answer):
    assert (await answer("/bad"))[0] == 400


async def test_what_is_not_there_points_to_the_documentation(answer):
    status, _, body = await answer("/a/b")
    assert status == 404
    assert "/openapi.json" in body["detail"]
    status, _, body = await answer("/problem", "DELETE")
    assert status == 405
    assert body["type"] == "urn:tamaru:problem:method-not-allowed"


async def test_a_fault_of_ours_tells_nothing_of_the_inside(answer):
    status, _, body = await answer("/crash")
    assert status == 500
    assert "hunter2" not in json.dumps(body)
    assert body["type"] == "urn:tamaru:problem:internal"
