"""The month's paid messages: one for each recipient, whichever way they are sent; none for replies.

Owns the count. The month is Japan's, as LINE's plans are.
"""

from datetime import datetime, timedelta, timezone

JAPAN = timezone(timedelta(hours=9))


class Quota:
    """Messages used in the current month against a limit; no limit when it is None.

    `plan` is what the account may send; `override` is a fault's limit, which goes before it.
    """

    def __init__(self, plan: int | None = None) -> None:
        self.plan = plan
        self.override: int | None = None
        self._month = ""
        self._month_name = ""
        self._month_from = -3600.0  # the name is looked up once an hour: months begin on the hour
        self._used = 0

    @property
    def limit(self) -> int | None:
        return self.plan if self.override is None else self.override

    def month(self, at: float) -> str:
        """The month in Japan at that time, such as 2025-04."""
        if not self._month_from <= at < self._month_from + 3600:
            self._month_from = at // 3600 * 3600
            self._month_name = datetime.fromtimestamp(at, JAPAN).strftime("%Y-%m")
        return self._month_name

    def used(self, at: float) -> int:
        month = self.month(at)
        if month != self._month:
            self._month, self._used = month, 0
        return self._used

    def has_room(self, recipients: int, at: float) -> bool:
        return self.limit is None or self.used(at) + recipients <= self.limit

    def left(self, at: float) -> int | None:
        """What may still be sent; None when there is no limit."""
        return None if self.limit is None else max(0, self.limit - self.used(at))

    def spend(self, recipients: int, at: float) -> None:
        self._used = self.used(at) + recipients

    def set_used(self, used: int, at: float) -> None:
        """As if so many had been sent this month, from the account manager for one."""
        self._month, self._used = self.month(at), used

    def clear(self) -> None:
        self._used, self.plan = 0, None
