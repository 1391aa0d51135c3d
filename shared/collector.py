"""The garbage collector, told what our processes are like."""

import gc

THRESHOLDS = (20_000, 20, 50)
"""Batches make many objects and no cycles worth finding every 700 of them."""


def spare() -> None:
    """Have the collector leave alone what was imported, and look at the rest more rarely.

    Call it once, when all modules are loaded and before the work begins."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
