"""What was done for one row, as it comes together. Pure."""

from typing import Any
from uuid import UUID


class Settled:
    """Points and money that came, and the parts of a member that changed."""

    def __init__(self) -> None:
        self.entry_id: UUID | None = None
        self.points = 0
        self.spent = 0
        self._before: dict[str, Any] = {}
        self._after: dict[str, Any] = {}

    def brought(self, entry: UUID, points: int) -> None:
        """Points came by this entry."""
        self.entry_id, self.points = entry, points

    def learnt(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        """These parts of the member are other than they were."""
        self._before |= before
        self._after |= after

    def facts(self) -> dict[str, Any]:
        """All of it."""
        return {
            "entry_id": self.entry_id,
            "points": self.points,
            "spent": self.spent,
            "before": self._before,
            "after": self._after,
        }
