"""The one clock and its offset."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from shared import clock


def test_it_is_now_in_utc():
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.now().utcoffset() == timedelta(0)


def test_an_offset_moves_it():
    clock.set_offset(timedelta(days=40))
    try:
        assert clock.now() - datetime.now(UTC) > timedelta(days=39)
    finally:
        clock.set_offset(timedelta(0))


def test_the_environment_moves_a_whole_process():
    code = "from shared import clock; print(clock.now().isoformat())"
    env = os.environ | {"CLOCK_OFFSET_SECONDS": "-864000"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, check=True, text=True
    )
    moved = datetime.fromisoformat(done.stdout.strip())
    assert timedelta(days=9) < datetime.now(UTC) - moved < timedelta(days=11)
