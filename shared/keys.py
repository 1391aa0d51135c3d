"""A key of the installation, and the one before it while the two change places.

Each setting that is such a key has a second one beside it, `<NAME>_OLD`, empty most of the time.
What we make is made with the key; what somebody shows us is good under either. How an operator goes
about it: "Rotate keys" in docs/operate.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", str, bytes)
Opened = TypeVar("Opened")


@dataclass(frozen=True)
class Keys(Generic[Key]):
    """`new` makes; `all` are accepted, the new one first."""

    new: Key
    old: Key | None = None

    @property
    def all(self) -> tuple[Key, ...]:
        """What is accepted."""
        return (self.new,) if self.old is None else (self.new, self.old)

    def opened(self, read: Callable[[Key], Opened], refused: type[Exception]) -> Opened:
        """What `read` makes of something with the key it was made with. Raises `refused` where it
        was made with neither, and at once whatever else `read` raises."""
        try:
            return read(self.new)
        except refused:
            if self.old is None:
                raise
        return read(self.old)
