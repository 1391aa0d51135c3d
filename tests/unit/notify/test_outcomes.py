"""LINE's answers told apart."""

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from services.notify.sending.outcomes import MOST_DETAIL, Outcome, of_exception, of_response

MONTHLY = b'{"message":"You have reached your monthly limit."}'
RATE = b'{"message":"The API rate limit has been exceeded. Try again later."}'
SPENT = b'{"message":"Invalid reply token"}'
WRONG = b'{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty",'
WRONG += b'"property":"messages[0].text"}]}'


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (409, b'{"message":"The retry key is already accepted"}', Outcome.ALREADY_DELIVERED),
        (429, MONTHLY, Outcome.QUOTA),
        (429, RATE, Outcome.RATE_LIMITED),
        (429, b"<html>too many</html>", Outcome.RATE_LIMITED),
        (400, SPENT, Outcome.REPLY_EXPIRED),
        (400, WRONG, Outcome.REFUSED),
        (400, b"", Outcome.REFUSED),
        (401, b'{"message":"Authentication failed"}', Outcome.UNAUTHORISED),
        (403, b'{"message":"Access to this API is not available"}', Outcome.UNAUTHORISED),
        (404, b'{"message":"Not found"}', Outcome.REFUSED),
        (413, b"", Outcome.REFUSED),
        (408, b"", Outcome.UNCERTAIN),
        (500, b'{"message":"Internal server error"}', Outcome.UNCERTAIN),
        (502, b"\xff\xfe not json", Outcome.UNCERTAIN),
        (503, SPENT, Outcome.UNCERTAIN),
        (302, b"", Outcome.UNCERTAIN),
        (204, b"", Outcome.UNCERTAIN),
    ],
)
def test_an_answer_has_its_meaning(status, body, outcome):
    assert of_response(status, body).outcome is outcome


def test_lines_words_are_kept_with_what_they_are_about():
    answer = of_response(400, WRONG, "req-1")
    assert answer.detail == (
        "400 The request body has 1 error(s); messages[0].text: May not be empty"
    )
    assert answer.request_id == "req-1"


def test_words_are_short_enough_to_keep_and_hold_no_nul():
    detail = of_response(500, b"\x00x" * 5000).detail
    assert detail is not None
    assert len(detail) == MOST_DETAIL
    assert "\x00" not in detail


def _not_connected() -> aiohttp.ClientConnectorError:
    key = ConnectionKey("api.line.me", 443, True, True, None, None, None)
    return aiohttp.ClientConnectorError(key, OSError("refused"))


@pytest.mark.parametrize(
    ("problem", "outcome"),
    [
        (_not_connected(), Outcome.UNREACHED),
        (aiohttp.ConnectionTimeoutError(), Outcome.UNREACHED),
        (TimeoutError(), Outcome.UNCERTAIN),
        (aiohttp.ServerDisconnectedError(), Outcome.UNCERTAIN),
        (ConnectionResetError(), Outcome.UNCERTAIN),
        (aiohttp.ClientPayloadError(), Outcome.UNCERTAIN),
    ],
)
def test_only_what_never_connected_is_surely_unsent(problem, outcome):
    assert of_exception(problem).outcome is outcome
