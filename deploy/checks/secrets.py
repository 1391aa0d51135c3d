"""No secret stands in the repository: `python -m deploy.checks.secrets`, a part of `make check`.

Kingfisher reads every file that is not ignored, with its own rules and ours (secrets.yaml). Nothing
is sent anywhere, and what is found is told by its place only. A line that has to look like a secret
ends with the comment `kingfisher:ignore` and says why.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.local.layout import ROOT

RULES = Path(__file__).with_name("secrets.yaml")
FOUND = 200
"""Kingfisher's exit code for secrets that it did not try to use."""

NOT_OURS = (".venv", ".local", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache")
OPTIONS = (
    "--no-validate",  # tries no secret out
    "--no-update-check",
    "--redact",
    "--git-history=none",  # what is here now
    "--no-extract-archives",
    "--no-binary",
    "--format=json",
    f"--rule-cache-dir={ROOT / '.local' / 'kingfisher'}",  # compiling them takes seconds
)


def found(folder: Path) -> Iterator[str]:
    """Each secret under a folder: where, and of which kind. Raises RuntimeError if nothing could be
    scanned."""
    program = str(Path(sys.executable).with_name("kingfisher"))
    excluded = [f"--exclude={name}" for name in NOT_OURS]
    command = [program, "scan", ".", *OPTIONS, f"--rules-path={RULES}", *excluded]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in (0, FOUND):
        raise RuntimeError(f"kingfisher ended with {done.returncode}: {done.stderr[-500:]}")
    report: dict[str, Any] = json.JSONDecoder().raw_decode(done.stdout)[0]
    for each in report.get("findings", []):
        place = each["finding"]
        yield f"{place['path']}:{place['line']}: {each['rule']['id']}"


def main() -> int:
    """Tell what was found; the exit code."""
    places = sorted(found(ROOT))
    for place in places:
        print(f"looks like a secret: {place}")
    if places:
        print("Take it out, and change it where it is used: what was here may have been read.")
    return 1 if places else 0


if __name__ == "__main__":
    raise SystemExit(main())
