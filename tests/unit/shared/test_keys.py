"""Two keys at once: the new one makes, both are accepted, an empty old one is none."""

import pytest
from pydantic import SecretStr

from shared.keys import Keys
from shared.settings import byte_keys, keys


class Wrong(Exception):
    """Made with another key."""


class Over(Exception):
    """Made with this key, and no longer good."""


def read(key: str) -> str:
    if key != "right":
        raise Wrong(key)
    return "read"


@pytest.mark.parametrize("both", [Keys("right"), Keys("right", "x"), Keys("x", "right")])
def test_either_opens(both: Keys[str]) -> None:
    assert both.opened(read, Wrong) == "read"


@pytest.mark.parametrize("both", [Keys("x"), Keys("x", "y")])
def test_without_the_right_one_it_is_refused(both: Keys[str]) -> None:
    with pytest.raises(Wrong):
        both.opened(read, Wrong)


def test_whatever_else_is_wrong_is_told_at_once() -> None:
    def over(key: str) -> str:
        raise Over(key)

    with pytest.raises(Over, match="new"):
        Keys("new", "old").opened(over, Wrong)


def test_an_empty_old_key_is_none() -> None:
    assert keys(SecretStr("a"), None) == keys(SecretStr("a"), SecretStr("")) == Keys("a")
    assert byte_keys(SecretStr("a"), SecretStr("b")) == Keys(b"a", b"b")
    assert Keys("a").all == ("a",)
    assert Keys("a", "b").all == ("a", "b")
