"""How long to wait before starting a process again. Pure."""

FIRST = 0.2
LONGEST = 5.0
STEADY = 10.0  # one that ran this long is taken as healthy: the next failure counts as the first


def delay(failures: int) -> float:
    """Seconds before start number `failures` + 1: 0.2, 0.4, 0.8 … at most 5."""
    if failures <= 0:
        return 0.0
    return min(FIRST * 2.0 ** min(failures - 1, 16), LONGEST)


def failures_after(failures: int, ran_for: float) -> int:
    """The count of failures in a row after a process that ran for `ran_for` seconds died."""
    return 1 if ran_for >= STEADY else failures + 1
