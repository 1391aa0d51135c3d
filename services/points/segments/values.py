"""What single values of a segment's document may be, each with words for who wrote it
wrong. Pure."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

MOST_DAYS = 3_660
MOST_POINTS = 10**9
MOST_MONEY = 10**12
MOST_TEXTS = 100
MOST_CHARACTERS = 200
MEASURES = {"points": "points_earned", "visits": "visits", "spent": "amount_spent"}
"""What a rank may ask for, as segments name it, and as ranks do."""


class Kind(NamedTuple):
    """`take` gives the value as conditions keep it, or raises ValueError; `ja` and `en` say what it
    must be."""

    take: Callable[[Any], Any]
    ja: str
    en: str


def _whole(least: int, most: int) -> Kind:
    def take(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(value)
        return value

    span = f"{least:,}", f"{most:,}"
    return Kind(
        take,
        f"{span[0]} から {span[1]} までの整数です。",
        f"must be a whole number from {span[0]} to {span[1]}",
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MOST_CHARACTERS or "\0" in value:
        raise ValueError(value)
    value.encode()  # half a surrogate pair is no text, and the database refuses it
    return value


def _several(take: Callable[[Any], Any], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_TEXTS:
        raise ValueError(value)
    return tuple(dict.fromkeys(take(each) for each in value))


def _texts(value: Any) -> tuple[str, ...]:
    return _several(_text, value)


def _codes(value: Any) -> tuple[str | None, ...]:
    return _several(lambda each: None if each is None else _text(each), value)


def _gaps(value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or not value or not value.keys() <= MEASURES.keys():
        raise ValueError(value)
    return {MEASURES[name]: MONEY.take(gap) for name, gap in value.items()}


def _true(value: Any) -> bool:
    if value is not True:
        raise ValueError(value)
    return True


def _id(value: Any) -> UUID:
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError(value)
    return UUID(value)


def _month(value: Any) -> Any:
    return value if value in ("this", "next") else _whole(1, 12).take(value)


def _line(value: Any) -> str:
    if value not in ("linked", "reachable", "blocked", "none"):
        raise ValueError(value)
    return str(value)


POINTS = _whole(-MOST_POINTS, MOST_POINTS)
MONEY = _whole(0, MOST_MONEY)
SOME = _whole(1, MOST_POINTS)
DAYS = _whole(1, MOST_DAYS)
YEARS = _whole(0, 150)
PERCENT = _whole(1, 100)
TEXTS = Kind(
    _texts,
    f"1 個から {MOST_TEXTS} 個の文字列({MOST_CHARACTERS} 文字まで)の配列です。",
    f"must be an array of 1 to {MOST_TEXTS} texts of at most {MOST_CHARACTERS} characters",
)
CODES = Kind(
    _codes,
    f"1 個から {MOST_TEXTS} 個のコードの配列です(null は「なし」)。",
    f"must be an array of 1 to {MOST_TEXTS} codes; null is having none",
)
GAPS = Kind(
    _gaps,
    '{"points": 50} のように points、visits、spent の不足の上限です。',
    'must be an object of points, visits or spent, such as {"points": 50}',
)
TRUE = Kind(_true, "true だけが使えます。", "can only be true")
ID = Kind(_id, "会員の ID です。", "must be a member's id")
MONTH = Kind(
    _month, '1 から 12、"this"、"next" のどれかです。', 'must be 1 to 12, "this" or "next"'
)
LINE = Kind(
    _line,
    '"linked"、"reachable"、"blocked"、"none" のどれかです。',
    'must be "linked", "reachable", "blocked" or "none"',
)
