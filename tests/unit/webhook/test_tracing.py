"""W3C Trace Context, level 1: which `traceparent` headers start or continue a trace."""

import pytest

from services.webhook.tracing import traceparent

GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("value", [GOOD, GOOD.replace("00-", "01-", 1), f"cc{GOOD[2:]}-more"])
def test_a_good_one_goes_on(value: str) -> None:
    assert traceparent({b"traceparent": value.encode()}) == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nonsense",
        GOOD.upper(),
        GOOD[:-1],
        f"{GOOD}-more",
        f" {GOOD}",
        f"ff{GOOD[2:]}",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
        f"cc{GOOD[2:]}-{'m' * 500}",
    ],
)
def test_a_bad_one_is_as_none(value: str) -> None:
    assert traceparent({b"traceparent": value.encode()}) is None


def test_without_one_there_is_no_trace() -> None:
    assert traceparent({}) is None
