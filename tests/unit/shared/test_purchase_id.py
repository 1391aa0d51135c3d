"""A purchase's id follows from terminal and key, and tells a genuine one from one made up."""

import uuid

from shared.purchase_id import is_genuine, purchase_id

SECRET = b"secret"
TERMINAL = uuid.UUID(int=7)


def test_it_follows_from_terminal_and_key():
    made = purchase_id(SECRET, TERMINAL, "key")
    assert made == purchase_id(SECRET, TERMINAL, "key")
    others = {
        purchase_id(SECRET, TERMINAL, "kex"),
        purchase_id(SECRET, uuid.UUID(int=8), "key"),
        purchase_id(b"other", TERMINAL, "key"),
    }
    assert made not in others
    assert len(others) == 3
    assert (made.version, made.variant) == (8, uuid.RFC_4122)


def test_it_is_genuine_under_its_secret_only():
    made = purchase_id(SECRET, TERMINAL, "キー")
    assert is_genuine(SECRET, made)
    assert not is_genuine(b"other", made)


def test_one_that_was_made_up_or_changed_is_not():
    made = purchase_id(SECRET, TERMINAL, "key")
    for bit in range(128):
        assert not is_genuine(SECRET, uuid.UUID(int=made.int ^ (1 << bit)))
    assert not any(is_genuine(SECRET, uuid.uuid4()) for _ in range(1000))


def test_it_stays_what_it_was():
    """Ids that tills have printed on receipts must not change."""
    assert str(purchase_id(SECRET, TERMINAL, "key")) == "ab081840-9e66-8d1d-af72-c49bdb094e43"
