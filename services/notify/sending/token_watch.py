"""Whether LINE takes the channel's access token, as a metric; whoever asks LINE something tells."""

from prometheus_client import Gauge

_shown = Gauge(
    "tamaru_notify_line_token_refused",
    "1 while LINE refuses the channel access token: no message goes out.",
)
_refused = False


def refused() -> None:
    """LINE answered 401."""
    _note(True)


def taken() -> None:
    """LINE took the token. Costs nothing while nothing changes: every push says so."""
    if _refused:
        _note(False)


def _note(refused: bool) -> None:
    global _refused
    _refused = refused
    _shown.set(refused)
