"""Member card numbers: EAN-13 in an in-store range, so that any till's scanner reads them.

Owns the mapping from a counter to a number that does not give away its neighbours, and the check
digit. Must not keep the counter.

GS1 leaves the prefixes 20 to 29 to each shop. 29 is used here: scales and price labels commonly
take the low ones (20 to 25), and 29 stays clear of them.
"""

import hashlib

PREFIX = "29"
_HALF = 10**5  # the ten digits after the prefix are two halves of five
CARDS = _HALF * _HALF
_ROUNDS = 8


def card_number(sequence: int, key: bytes) -> str:
    """The 13 digits of the card with this counter value (0 to CARDS - 1).

    With one `key` (16 to 64 bytes, secret, never changed) different counters give different cards.
    Raises ValueError when the counter is out of range or the key too short or too long.
    """
    if not 0 <= sequence < CARDS:
        raise ValueError(f"a card's sequence must be from 0 to {CARDS - 1}")
    if not 16 <= len(key) <= 64:
        raise ValueError("the key of card numbers must have 16 to 64 bytes")
    digits = f"{PREFIX}{shuffled(sequence, _HALF, key):010d}"
    return digits + check_digit(digits)


def is_valid(card: str) -> bool:
    """Whether this could be one of our cards: 13 digits, our prefix, the right check digit."""
    if len(card) != 13 or not card.isascii() or not card.isdigit():
        return False
    return card.startswith(PREFIX) and check_digit(card[:12]) == card[12]


def check_digit(digits: str) -> str:
    """EAN-13's check digit for its first twelve digits: weights 1 and 3 in turn."""
    weighed = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return str(-weighed % 10)


def shuffled(number: int, half: int, key: bytes) -> int:
    """A keyed permutation of 0 to half² - 1: a Feistel network that adds modulo `half`."""
    left, right = divmod(number, half)
    for turn in range(_ROUNDS):
        left, right = right, (left + _noise(key, turn, right)) % half
    return left * half + right


def _noise(key: bytes, turn: int, value: int) -> int:
    message = turn.to_bytes(1, "big") + value.to_bytes(4, "big")
    return int.from_bytes(hashlib.blake2b(message, digest_size=8, key=key).digest(), "big")
