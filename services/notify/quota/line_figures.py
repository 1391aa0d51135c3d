"""LINE's own figures of the month: its limit, and how many messages it counts as used.

Sources: LINE's reference, `GET /v2/bot/message/quota` and `/quota/consumption`. The count is
approximate and has in it what was sent from the account manager. Owns the two calls only.
"""

from typing import Literal, NamedTuple

import aiohttp
import msgspec

from services.notify.sending import token_watch
from shared import logs

log = logs.logger(__name__)

SECONDS = 10.0
MOST = 2**31 - 1


class Figures(NamedTuple):
    """`limit` is None where LINE sets none."""

    limit: int | None
    used: int


class _Quota(msgspec.Struct):
    type: Literal["none", "limited"]
    value: int | None = None


class _Consumption(msgspec.Struct):
    totalUsage: int


class LineFigures:
    """Asks LINE; seldom, so it keeps no connection."""

    def __init__(self, api_base: str, access_token: str) -> None:
        self._url = f"{api_base.rstrip('/')}/v2/bot/message/quota"
        self._headers = {"Authorization": f"Bearer {access_token}"}

    async def ask(self) -> Figures | None:
        """The month's figures; None when LINE gives none, which is logged."""
        try:
            async with aiohttp.ClientSession(
                headers=self._headers, timeout=aiohttp.ClientTimeout(total=SECONDS)
            ) as session:
                quota = msgspec.json.decode(await _get(session, self._url), type=_Quota)
                consumption = await _get(session, f"{self._url}/consumption")
                token_watch.taken()
                return _figures(quota, msgspec.json.decode(consumption, type=_Consumption))
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as problem:
            if isinstance(problem, aiohttp.ClientResponseError) and problem.status == 401:
                token_watch.refused()
            # Never its text: that of a refusal quotes our request, and the token with it.
            status = getattr(problem, "status", None)
            log.warning("LINE's quota not read", problem=type(problem).__name__, status=status)
            return None


def _figures(quota: _Quota, consumption: _Consumption) -> Figures:
    limit = min(quota.value or 0, MOST) if quota.type == "limited" else None
    return Figures(limit, min(consumption.totalUsage, MOST))


async def _get(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url, allow_redirects=False) as response:
        response.raise_for_status()
        return await response.read()
