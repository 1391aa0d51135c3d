"""Bytes of a file as lines of text, whatever program wrote them. Pure.

Excel in Japan writes CP932 ("CSV"), UTF-8 with a mark ("CSV UTF-8") and UTF-16 ("Unicode text").
What is none of these is read as what it is most nearly; broken characters become U+FFFD, so that
their rows can be named.
"""

import codecs
import io
from collections.abc import Iterable, Iterator

BROKEN = "\ufffd"
ENCODINGS = ("utf-8-sig", "cp932", "utf-16")
"""All that are recognised, as Python names them."""


def encoding_of(chunks: Iterable[bytes]) -> str:
    """The encoding in which the most can be read before the first mistake, UTF-8 if in doubt."""
    tried = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8-sig", "cp932")}
    reach = dict.fromkeys(tried, 0)
    open_still = set(tried)
    for number, chunk in enumerate(chunks):
        if not number and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        for name in sorted(open_still):
            try:
                tried[name].decode(chunk)
                reach[name] += len(chunk)
            except UnicodeDecodeError as mistake:
                reach[name] += mistake.start
                open_still.discard(name)
        if not open_still:
            break
    for name in sorted(open_still):
        try:
            tried[name].decode(b"", final=True)
            reach[name] += 1
        except UnicodeDecodeError:
            continue
    return max(("utf-8-sig", "cp932"), key=lambda name: reach[name])


def lines(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """The lines, each ending in a line feed but perhaps the last, however the file ends them."""
    decoder = io.IncrementalNewlineDecoder(
        codecs.getincrementaldecoder(encoding)(errors="replace"), translate=True
    )
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from (f"{line}\n" for line in whole)
    *whole, rest = (rest + decoder.decode(b"", final=True)).split("\n")
    yield from (f"{line}\n" for line in whole)
    if rest:
        yield rest
