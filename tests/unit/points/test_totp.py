"""One-time codes as RFC 6238 computes them, each good once; and how their secret is locked away."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.points.staff import sealing, tickets, totp
from services.points.web.entering import Challenge
from shared import ids
from shared.keys import Keys

RFC = b"12345678901234567890"
NOW = datetime(2026, 4, 1, 9, tzinfo=UTC)
KEY = "a key of the tests"
BYTES = st.binary(max_size=sealing.LONGEST)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_of_the_rfc(seconds: int, code: str):
    """Appendix B, the last six of the eight digits there."""
    assert totp.code(RFC, seconds // totp.STEP_SECONDS) == code


@given(st.binary(min_size=20, max_size=20), st.integers(-200, 200))
def test_a_code_is_good_for_its_own_half_minute_and_the_ones_beside_it(secret: bytes, late: int):
    typed = totp.code(secret, totp.step_at(NOW))
    found = totp.step_of(secret, typed, NOW + timedelta(seconds=late), after=0)
    if abs(totp.step_at(NOW + timedelta(seconds=late)) - totp.step_at(NOW)) <= 1:
        assert found is not None
    elif found is not None:  # another step may have the same code by chance
        assert totp.code(secret, found) == typed


def test_a_code_that_was_used_is_not_taken_again_nor_an_earlier_one():
    here = totp.step_at(NOW)
    typed = totp.code(RFC, here)
    assert totp.step_of(RFC, typed, NOW, after=here - 1) == here
    assert totp.step_of(RFC, typed, NOW, after=here) is None
    assert totp.step_of(RFC, totp.code(RFC, here - 1), NOW, after=here) is None


@given(st.text(max_size=12))
def test_whatever_else_is_typed_is_wrong(typed: str):
    here = totp.step_at(NOW)
    if typed not in {totp.code(RFC, here + off) for off in (-1, 0, 1)}:
        assert totp.step_of(RFC, typed, NOW, after=0) is None


def test_what_the_app_scans():
    address = totp.address(RFC, "山田@example.com")
    assert address.startswith("otpauth://totp/Tamaru%3A")
    assert f"secret={totp.text_of(RFC)}" in address and "issuer=Tamaru" in address


@given(BYTES)
def test_what_is_sealed_comes_out_again_and_shows_nothing(plain: bytes):
    sealed = sealing.seal(KEY, plain)
    assert sealing.unseal(KEY, sealed) == plain
    assert sealing.seal(KEY, plain) != sealed
    assert len(plain) < 4 or plain not in sealed


@given(BYTES, st.data())
def test_another_key_or_another_byte_opens_nothing(plain: bytes, data: st.DataObject):
    sealed = sealing.seal(KEY, plain)
    with pytest.raises(sealing.Broken):
        sealing.unseal(KEY + "x", sealed)
    at = data.draw(st.integers(0, len(sealed) - 1))
    other = bytes([sealed[at] ^ data.draw(st.integers(1, 255))])
    with pytest.raises(sealing.Broken):
        sealing.unseal(KEY, sealed[:at] + other + sealed[at + 1 :])


def test_a_note_is_good_for_what_it_was_written_for_until_its_end():
    note = Challenge(ids.new_id(), "password", "/console")
    text = tickets.write(KEY, note, NOW)
    assert tickets.read(Keys(KEY), text, Challenge, NOW) == note
    assert tickets.read(Keys(KEY), text, Challenge, NOW + tickets.LIFE) is None
    assert tickets.read(Keys(KEY + "x"), text, Challenge, NOW) is None
    assert tickets.read(Keys(KEY), text[:-1] + "x", Challenge, NOW) is None
    assert tickets.read(Keys(KEY), "x" + text, Challenge, NOW) is None
    assert tickets.read(Keys(KEY), "", Challenge, NOW) is None


class Other(Challenge, frozen=True):
    """Of the same form, for something else."""


def test_a_note_for_one_thing_is_none_for_another():
    text = tickets.write(KEY, Other(ids.new_id(), "password", ""), NOW)
    assert tickets.read(Keys(KEY), text, Challenge, NOW) is None
