"""A token of staff is good only as it was signed, for the key that signed it, until its end."""

import base64
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock
from shared.web import session_token
from shared.web.session_token import Expired, Refused, Staff
from tests.staff import SESSION_KEY, someone

NOW = clock.now().replace(microsecond=0)
TEXT = st.text(max_size=40)
PEOPLE = st.builds(
    Staff,
    id=st.uuids(),
    session_id=st.uuids(),
    name=TEXT,
    role=st.sampled_from(session_token.ROLES),
    stores=st.none() | st.lists(TEXT, max_size=5).map(tuple),
    store=st.none() | TEXT,
    csrf=TEXT,
    expires_at=st.integers(1, 300).map(lambda seconds: NOW + timedelta(seconds=seconds)),
)


@given(PEOPLE)
def test_who_signed_in_is_who_is_read(staff: Staff):
    token = session_token.sign(staff, SESSION_KEY)
    assert session_token.read(token, SESSION_KEY, NOW) == staff
    assert token.isascii() and not set(token) & set(' ",;\\')


@given(PEOPLE, st.data())
def test_another_byte_anywhere_is_refused(staff: Staff, data: st.DataObject):
    token = session_token.sign(staff, SESSION_KEY)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(token[at].__ne__))
    forged = token[:at] + other + token[at + 1 :]
    with pytest.raises(Refused):
        session_token.read(forged, SESSION_KEY, NOW)


@given(PEOPLE, TEXT.filter(SESSION_KEY.__ne__))
def test_another_key_is_refused(staff: Staff, key: str):
    with pytest.raises(Refused):
        session_token.read(session_token.sign(staff, key), SESSION_KEY, NOW)


@given(PEOPLE, st.sampled_from(session_token.ROLES))
def test_another_role_under_the_same_signature_is_refused(staff: Staff, role: str):
    payload, signature = session_token.sign(staff, SESSION_KEY).split(".")
    said = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    raised = msgspec.json.encode({**said, "role": role})
    forged = base64.urlsafe_b64encode(raised).rstrip(b"=").decode()
    if forged == payload:
        return
    with pytest.raises(Refused):
        session_token.read(f"{forged}.{signature}", SESSION_KEY, NOW)


def test_a_role_that_there_is_not_is_refused_though_signed():
    staff = msgspec.structs.replace(someone("owner"), role="god")
    with pytest.raises(Refused):
        session_token.read(session_token.sign(staff, SESSION_KEY), SESSION_KEY, NOW)


@given(PEOPLE, st.integers(0, 10**6))
def test_it_is_over_at_its_end(staff: Staff, late: int):
    token = session_token.sign(staff, SESSION_KEY)
    with pytest.raises(Expired):
        session_token.read(token, SESSION_KEY, staff.expires_at + timedelta(seconds=late))


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_whatever_is_no_token_is_refused(text: str):
    with pytest.raises(Refused):
        session_token.read(text, SESSION_KEY, NOW)


@given(st.uuids(), st.uuids())
def test_each_session_has_its_own_csrf_token(one, other):
    mine = session_token.csrf_of(SESSION_KEY, one)
    assert mine == session_token.csrf_of(SESSION_KEY, one)
    assert (mine == session_token.csrf_of(SESSION_KEY, other)) == (one == other)
    assert mine != session_token.csrf_of(SESSION_KEY + "x", one)
