"""A ZIP that is taken away while it grows. Pure."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

LEVEL = 6


class Zip:
    """Files are added one after another; `parts` gives away what there is so far."""

    def __init__(self) -> None:
        self._out = _Out()
        self._zip = zipfile.ZipFile(
            cast(IO[bytes], self._out),  # it asks no more of a stream
            "w",
            zipfile.ZIP_DEFLATED,
            compresslevel=LEVEL,
        )

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """A file to write to."""
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        with self._zip.open(info, "w", force_zip64=True) as file:
            yield file

    def close(self) -> None:
        """No more files."""
        self._zip.close()

    def parts(self, size: int, *, all_: bool = False) -> Iterator[bytes]:
        """What was zipped since, in parts of this size; the rest waits unless `all_` is wanted."""
        waiting = self._out.waiting
        while len(waiting) >= size or (all_ and waiting):
            yield bytes(waiting[:size])
            del waiting[:size]


class _Out:
    """A stream that can only be written on."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def write(self, body: bytes) -> int:
        self.waiting += body
        return len(body)

    def flush(self) -> None:
        return None
