"""Tokens that are good once and for a short time: reply tokens and account link tokens.

Owns issue, redemption and expiry. Times are seconds, always given by the caller.
"""

import secrets
from collections import OrderedDict

REPLY_TOKEN_SECONDS = 60.0
LINK_TOKEN_SECONDS = 600.0


class SingleUseTokens:
    """Tokens for a user, each redeemable once within `life` seconds of its last grant."""

    def __init__(self, life: float) -> None:
        self._life = life
        self._live: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def issue(self, user_id: str, at: float) -> str:
        token = secrets.token_hex(16)
        self._drop_expired(at)
        self._live[token] = (user_id, at + self._life)
        return token

    def renew(self, token: str, at: float) -> None:
        """Start the life anew, as the receiver sees the token only now. A used one stays used."""
        found = self._live.pop(token, None)
        if found:
            self._live[token] = (found[0], at + self._life)

    def peek(self, token: str, at: float) -> str | None:
        """The user for whom the token is still good."""
        found = self._live.get(token)
        return found[0] if found and at < found[1] else None

    def redeem(self, token: str, at: float) -> str | None:
        """The user for whom the token was good; it is good no longer."""
        user_id = self.peek(token, at)
        self._live.pop(token, None)
        return user_id

    def clear(self) -> None:
        self._live.clear()

    def _drop_expired(self, at: float) -> None:
        while self._live:
            token, (_, until) = next(iter(self._live.items()))
            if until > at:
                return
            del self._live[token]
