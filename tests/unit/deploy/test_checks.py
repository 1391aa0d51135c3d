"""`make check` finds secrets that were left in the repository, and packages with known holes."""

import json
import random
import string
from pathlib import Path
from typing import Any

import pytest

from deploy.checks import advisories, secrets

LOTS = random.Random(2026)


def letters(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(LOTS.choice(alphabet) for _ in range(count))


PLANTED = {
    "tamaru.api-key": f'key = "tmr_own_{letters(32)}"',
    "tamaru.key": f"SESSION_KEY={letters(64, string.hexdigits.lower()[:16])}",
    "tamaru.line-channel-access-token": f"token: {letters(157)}/1O/w1cDnyilFU=",
    "betterleaks.private-key": f"-----BEGIN RSA PRIVATE KEY-----\n{letters(64)}\n{letters(64)}\n"
    "-----END RSA PRIVATE KEY-----",
}


def test_a_secret_is_found_and_told_by_its_place_only(tmp_path: Path) -> None:
    for name, text in PLANTED.items():
        (tmp_path / f"{name}.txt").write_text(f"{text}\n")
    (tmp_path / "harmless.py").write_text('SESSION_KEY = "a session key of the tests, 32 bytes"\n')
    found = sorted(secrets.found(tmp_path))
    assert found == [f"./{name}.txt:1: {name}" for name in sorted(PLANTED)]


def package(*holes: str) -> dict[str, Any]:
    vulns = [{"id": hole, "fix_versions": ["2.0"], "aliases": ["CVE-1"]} for hole in holes]
    return {"name": "thing", "version": "1.0", "vulns": vulns}


def judged(*packages: dict[str, Any]) -> advisories.Verdict:
    return advisories.judge(json.dumps({"dependencies": packages}), "")


def test_a_known_hole_is_told_once_with_what_mends_it() -> None:
    hole = "thing 1.0: PYSEC-1, mended in 2.0"
    assert judged(package("PYSEC-1"), package("PYSEC-1"), package()).holes == [hole]
    assert judged(package()) == advisories.Verdict([])


def test_what_does_not_concern_us_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisories, "IGNORED", {"CVE-1": "we never call it"})
    assert judged(package("PYSEC-1")).holes == []


def test_without_a_source_it_says_so_and_passes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    away = advisories.judge("", "Traceback\nConnectionError: no such host\n")
    assert away == advisories.Verdict([], "ConnectionError: no such host")
    unknown = judged({"name": "thing", "skip_reason": "not found"})
    assert unknown.skipped == "the source knows none of 1 packages"
    monkeypatch.setattr(advisories, "audit", lambda: away)
    monkeypatch.setattr(advisories, "audit_npm", lambda: advisories.Verdict([]))
    assert advisories.main() == 0
    assert "not audited: ConnectionError" in capsys.readouterr().out
    monkeypatch.setattr(advisories, "audit", lambda: judged(package("PYSEC-1")))
    assert advisories.main() == 1
    monkeypatch.setattr(advisories, "audit", lambda: away)
    hole = advisories.Verdict(["uplot"])
    monkeypatch.setattr(advisories, "audit_npm", lambda: hole)
    assert advisories.main() == 1


def test_a_hole_of_a_library_of_the_pages_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    way = {"range": "<2.0", "url": "https://example.com/advisories/GHSA-1", "title": "bad"}
    found = {"inner": {"via": [way]}, "outer": {"via": ["inner"]}}
    answer = json.dumps({"auditReportVersion": 2, "vulnerabilities": found})
    hole = "inner <2.0: https://example.com/advisories/GHSA-1"
    assert advisories.judge_npm(answer).holes == [hole]
    assert advisories.judge_npm('{"vulnerabilities": {}}') == advisories.Verdict([])
    for nothing in ("", '{"message": "405 Method Not Allowed"}'):
        assert advisories.judge_npm(nothing).skipped == "npm's registry told no advisories"
    monkeypatch.setattr(advisories, "IGNORED", {"GHSA-1": "we never call it"})
    assert advisories.judge_npm(answer).holes == []
