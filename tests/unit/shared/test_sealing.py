"""What is locked away comes back with its key and for its place, and in no other way."""

import pytest

from shared import ids, sealing
from shared.sealing import Broken

KEY = sealing.new_key()
PLACE = sealing.place("profiles.sealed", ids.new_id())
PLAIN = "東京都港区".encode()


def test_it_comes_back() -> None:
    sealed = sealing.seal(KEY, PLAIN, PLACE)
    assert PLAIN not in sealed
    assert sealing.unseal(KEY, sealed, PLACE) == PLAIN


def test_no_two_are_alike() -> None:
    assert sealing.seal(KEY, PLAIN, PLACE) != sealing.seal(KEY, PLAIN, PLACE)


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (sealing.new_key(), PLACE),
        (KEY, sealing.place("profiles.sealed", ids.new_id())),
        (KEY, PLACE.replace(b"profiles", b"members")),
    ],
    ids=["another key", "another member", "another column"],
)
def test_neither_another_key_nor_another_place_opens_it(key: bytes, place: bytes) -> None:
    with pytest.raises(Broken):
        sealing.unseal(key, sealing.seal(KEY, PLAIN, PLACE), place)


def test_a_changed_byte_anywhere_is_noticed() -> None:
    sealed = sealing.seal(KEY, PLAIN, PLACE)
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(Broken):
            sealing.unseal(KEY, bytes(changed), PLACE)


@pytest.mark.parametrize("length", [0, 1, 16, 32])
def test_what_is_cut_off_is_broken(length: int) -> None:
    with pytest.raises(Broken):
        sealing.unseal(KEY, sealing.seal(KEY, b"", PLACE)[:length], PLACE)


def test_a_keys_name_tells_keys_apart_and_a_setting_is_always_the_same_key() -> None:
    one, other = sealing.installation_key("k" * 32), sealing.installation_key("k" * 33)
    assert one == sealing.installation_key("k" * 32) != other
    assert len(one) == 32
    assert sealing.name_of(one) != sealing.name_of(other)


def test_a_mark_is_the_same_for_the_same_and_no_other() -> None:
    key = sealing.new_key()
    mark = sealing.mark(key, "09012345678", "phone", 16)
    assert mark == sealing.mark(key, "09012345678", "phone", 16) and len(mark) == 16
    others = {
        sealing.mark(key, "09012345679", "phone", 16),
        sealing.mark(key, "09012345678", "last digits", 16),
        sealing.mark(sealing.new_key(), "09012345678", "phone", 16),
    }
    assert len(others | {mark}) == 4
