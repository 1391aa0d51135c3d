"""LINE's limits on calls per second, one for each endpoint of a channel.

Owns the counting (a bucket that refills evenly). Source: LINE's reference, "Rate limits".
"""

PER_SECOND = {"multicast": 200, "loading": 100}
OTHERS_PER_SECOND = 2000


class RateLimits:
    """Whether one more call fits.

    `override` None uses LINE's figures; a number holds for every endpoint; 0 switches limits off.
    """

    def __init__(self) -> None:
        self.override: int | None = None
        self._buckets: dict[str, tuple[float, float]] = {}

    def admits(self, endpoint: str, at: float) -> bool:
        """Take one call at time `at` (seconds) out of the endpoint's bucket if one is left."""
        limit = PER_SECOND.get(endpoint, OTHERS_PER_SECOND)
        if self.override is not None:
            if self.override == 0:
                return True
            limit = self.override
        level, since = self._buckets.get(endpoint, (float(limit), at))
        level = min(limit, level + max(0.0, at - since) * limit)
        admitted = level >= 1
        self._buckets[endpoint] = (level - 1 if admitted else level, at)
        return admitted

    def clear(self) -> None:
        self._buckets.clear()
