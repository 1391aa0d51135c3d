"""No package that we lock has a known hole: `python -m deploy.checks.advisories`, a part of
`make check`.

pip-audit asks the advisories of the Python Package Index about the exact versions of the lock
files, and npm those of its registry about the libraries that the pages use. Where no source of
advisories is reachable this says so and passes: whoever works offline is not held up. What is known
and does not concern us stands in IGNORED, with the reason.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from deploy.local import node
from deploy.local.layout import DEFAULT_FOLDER, ROOT, Layout

LOCKS = ("requirements.lock", "requirements-dev.lock")
SECONDS = 120
IGNORED: Mapping[str, str] = {}
"""Advisory → why it does not concern us, and until when that is to be looked at again."""


class Verdict(NamedTuple):
    """Holes to mend, and, where nothing could be said, why not."""

    holes: list[str]
    skipped: str | None = None


def judge(report: str, words: str) -> Verdict:
    """What pip-audit's answer comes to; `words` is what it said besides."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        said = words.strip().splitlines()
        return Verdict([], said[-1][:200] if said else "pip-audit gave no report")
    audited = [each for each in packages if "skip_reason" not in each]
    if not audited:
        return Verdict([], f"the source knows none of {len(packages)} packages")
    holes = [
        f"{each['name']} {each['version']}: {hole['id']}, mended in {_versions(hole)}"
        for each in audited
        for hole in each["vulns"]
        if not {hole["id"], *hole.get("aliases", [])} & IGNORED.keys()
    ]
    return Verdict(sorted(set(holes)))


def _versions(hole: Mapping[str, Any]) -> str:
    return ", ".join(hole.get("fix_versions", [])) or "no version yet"


def judge_npm(report: str) -> Verdict:
    """What npm's answer comes to."""
    try:
        answer: dict[str, Any] = json.loads(report)
        packages: dict[str, dict[str, Any]] = answer["vulnerabilities"]
    except (ValueError, KeyError):
        return Verdict([], "npm's registry told no advisories")
    ways = [
        (name, way)
        for name, each in packages.items()
        for way in each["via"]
        if isinstance(way, dict)  # a name stands for a package that is told itself
    ]
    holes = {
        f"{name} {way['range']}: {way['url']}"
        for name, way in ways
        if way["url"].rpartition("/")[2] not in IGNORED
    }
    return Verdict(sorted(holes))


def audit_npm() -> Verdict:
    """Ask npm, where there is one: it need not be, for the checks."""
    npm = node.installed() or node.own(Layout(DEFAULT_FOLDER))
    if npm is None:
        return Verdict([], "there is no npm here; `make up` brings one")
    options = (
        "audit",
        "--package-lock-only",
        "--json",
        "--fetch-retries=0",
        "--fetch-timeout=5000",
    )
    try:
        done = subprocess.run(
            [*npm, *options],
            cwd=ROOT / "deploy" / "web",
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Verdict([], f"no answer within {SECONDS} s")
    return judge_npm(done.stdout)


def audit() -> Verdict:
    """Ask pip-audit."""
    locks = [part for name in LOCKS for part in ("-r", str(ROOT / name))]
    options = ("--disable-pip", "--require-hashes", "--progress-spinner=off", "--timeout=5")
    command = [sys.executable, "-m", "pip_audit", *options, "--format=json", *locks]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return Verdict([], f"no answer within {SECONDS} s")
    return judge(done.stdout, done.stderr)


def main() -> int:
    """Tell what was found; the exit code."""
    verdicts = {"Python packages": audit(), "the pages' libraries": audit_npm()}
    for what, verdict in verdicts.items():
        if verdict.skipped is not None:
            print(f"{what} were not audited: {verdict.skipped}")
        for hole in verdict.holes:
            print(f"known hole: {hole}")
    return 1 if any(verdict.holes for verdict in verdicts.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
