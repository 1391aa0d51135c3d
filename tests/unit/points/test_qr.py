"""The member's rotating QR."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.points.rules.qr import Expired, Forged, Refused, make, read

KEY = b"a signing key for the tests only"
MEMBER = UUID("0196f3a2-0000-7000-8000-000000000042")
AT = datetime(2025, 4, 1, 12, 0, 0, tzinfo=UTC)  # the first second of a step
TOKEN = make(KEY, MEMBER, AT)


@pytest.mark.parametrize("seconds", [0, 1, 29.9, 30, 59.9])
def test_a_token_is_good_in_its_step_and_the_next(seconds: float) -> None:
    assert read(KEY, TOKEN, AT + timedelta(seconds=seconds)) == MEMBER


@pytest.mark.parametrize("seconds", [-0.1, 60, 3_600])
def test_and_neither_before_nor_after(seconds: float) -> None:
    with pytest.raises(Expired):
        read(KEY, TOKEN, AT + timedelta(seconds=seconds))


def test_it_fits_the_alphanumeric_mode_of_a_qr() -> None:
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 $%*+-./:")
    assert len(TOKEN) == 52


def test_scanners_may_add_spaces_and_small_letters() -> None:
    assert read(KEY, f" {TOKEN.lower()}\r\n", AT) == MEMBER


@pytest.mark.parametrize(
    "token",
    [
        "",
        "T1",
        "T1..",
        "2900000000001",
        "T2" + TOKEN[2:],
        TOKEN[:-1],
        TOKEN + "A",
        TOKEN.replace(".", "-"),
        "T1." + "A" * 32 + "." + "A" * 16,
        "T1." + "1" * 32 + "." + "A" * 16,
        "T1." + "É" * 32 + "." + "A" * 16,
        TOKEN[:5] + ("B" if TOKEN[5] == "A" else "A") + TOKEN[6:],
    ],
)
def test_forgeries(token: str) -> None:
    with pytest.raises(Forged):
        read(KEY, token, AT)


def test_another_key_signs_for_nobody_here() -> None:
    with pytest.raises(Forged):
        read(b"another key of the same length!!", TOKEN, AT)


def test_both_refusals_are_one_kind() -> None:
    assert issubclass(Expired, Refused)
    assert issubclass(Forged, Refused)
