"""Which delivery tags may be acknowledged when several batches are in flight.

`multiple=True` acknowledges everything up to a tag, so only the contiguous prefix of finished
deliveries may go: a later batch that finishes early waits for the ones before it.
"""

from collections import deque


class AckTracker:
    """Tags of one channel, in the order they were delivered. Pure; knows no broker."""

    def __init__(self) -> None:
        self._order: deque[int] = deque()
        self._done: set[int] = set()

    def delivered(self, tag: int) -> None:
        """A delivery came; tags only grow."""
        if self._order and tag <= self._order[-1]:
            raise ValueError(f"tag {tag} after {self._order[-1]}: tags must grow")
        self._order.append(tag)

    def finished(self, tags: list[int]) -> int | None:
        """These deliveries are done with; returns the tag to acknowledge up to, if any moved."""
        self._done.update(tags)
        upto: int | None = None
        while self._order and self._order[0] in self._done:
            upto = self._order.popleft()
            self._done.discard(upto)
        return upto

    def outstanding(self) -> int:
        """How many deliveries are not acknowledged yet."""
        return len(self._order)
