"""JSON that is allowed and yet breaks decoders, made harmless without losing what it carries.

Some of what a signed webhook may hold is legal JSON and still unreadable further in: half a
surrogate pair in a text (a cut emoji) becomes U+FFFD; a number that no float holds, and what is
nested deeper than any decoder's stack, become strings of the text that stood there. Slow; only used
when decoding has failed or an element looks deep.
"""

import json
import math
import re
from typing import Any, NoReturn

import msgspec

DEEPEST = 64
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_OPENERS = frozenset(b"[{")


def may_be_deep(text: bytes) -> bool:
    """Whether it is worth looking closer."""
    return text.count(b"[") + text.count(b"{") > DEEPEST


def flatten(text: bytes, deepest: int = DEEPEST) -> bytes:
    """The same JSON with everything nested deeper than `deepest` as a string of its text.

    What is cut out is not checked; what is not balanced is left for the decoder to refuse.
    """
    parts: list[bytes] = []
    depth, copied, cut_from = 0, 0, 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in _OPENERS:
            depth += 1
            if depth == deepest + 1:
                cut_from = token.start()
        elif first != 0x22:  # a closing bracket
            if depth == deepest + 1:
                parts += [text[copied:cut_from], _as_string(text[cut_from : token.end()])]
                copied = token.end()
            depth -= 1
    return b"".join([*parts, text[copied:]])


def _as_string(text: bytes) -> bytes:
    return msgspec.json.encode(text.decode(errors="replace"))


def repair(text: bytes) -> bytes:
    """The same JSON with halves of surrogate pairs replaced and numbers that no float holds as
    strings. Raises ValueError when it is no JSON at all."""
    value = json.loads(
        text.decode("utf-8-sig"), parse_constant=_refuse, parse_int=_integer, parse_float=_float
    )
    dumped = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return dumped.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _integer(digits: str) -> Any:
    return int(digits) if len(digits) < 300 else digits


def _float(digits: str) -> Any:
    number = float(digits)
    return number if math.isfinite(number) else digits
