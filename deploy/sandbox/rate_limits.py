"""LINE's limits on calls, one for each endpoint of a channel.

Owns the counting (a bucket that refills evenly). Source: LINE's reference, "Rate limits".
"""

MINUTE, HOUR = 60.0, 3600.0
LIMITS: dict[str, tuple[int, float]] = {  # calls within so many seconds
    "multicast": (200, 1.0),
    "loading": (100, 1.0),
    **dict.fromkeys(("create_rich_menu", "delete_rich_menu"), (100, HOUR)),
    "batch": (3, HOUR),
    **dict.fromkeys(
        (
            "narrowcast",
            "broadcast",
            "insight_deliveries",
            "insight_followers",
            "insight_demographic",
            "insight_request",
            "insight_unit",
            "test_webhook",
        ),
        (60, HOUR),
    ),
    **dict.fromkeys(
        (
            "upload_audience",
            "extend_audience",
            "list_audiences",
            "get_audience",
            "delete_audience",
            "rename_audience",
        ),
        (60, MINUTE),
    ),
}
OTHERS = (2000, 1.0)


class RateLimits:
    """Whether one more call fits.

    `override` None uses LINE's figures; a number holds for every endpoint, each second; 0 switches
    limits off.
    """

    def __init__(self) -> None:
        self.override: int | None = None
        self._buckets: dict[str, tuple[float, float]] = {}

    def admits(self, endpoint: str, at: float) -> bool:
        """Take one call at time `at` (seconds) out of the endpoint's bucket if one is left."""
        limit, span = LIMITS.get(endpoint, OTHERS)
        if self.override is not None:
            if self.override == 0:
                return True
            limit, span = self.override, 1.0
        level, since = self._buckets.get(endpoint, (float(limit), at))
        level = min(limit, level + max(0.0, at - since) * limit / span)
        admitted = level >= 1
        self._buckets[endpoint] = (level - 1 if admitted else level, at)
        return admitted

    def clear(self) -> None:
        self._buckets.clear()
