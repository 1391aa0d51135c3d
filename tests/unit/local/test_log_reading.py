"""The reader of the logs of a run finds what it is there for, and tells no word of it."""

from pathlib import Path

import pytest

from tests.e2e.log_reading import leaks

WORDS = {"a+secret/of=theirs": "SESSION_KEY", "山田": "a name of staff", "Yamada Hanako": "a name"}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"event": "x", "key": "a+secret/of=theirs"}', "SESSION_KEY"),
        ('{"event": "\\u5c71\\u7530 came"}', "a name of staff"),
        ("hello Yamada Hanako", "a name"),
        ("GET /v1/members?line=U" + "0a" * 16, "a LINE user id"),
        ("using tmr_pos_abcdefghij", "an API key"),
        ("authorization: Bearer abcdefghijk", "a key that is shown"),
        ("GET /card/visit?c=V1.ABCDEFG", "a query"),
        ("GET /invitation/abcdefghijklmnopqrstuvwxyz", "an invitation"),
        ("duplicate (phone)=(090-1234-5678)", "a telephone number"),
        ("signed in: owner@example.com", "an e-mail address"),
        ("cookie tamaru_staff=abcdefghijk", "a cookie of ours"),
    ],
)
def test_what_must_not_be_there_is_found(tmp_path: Path, line: str, what: str) -> None:
    (tmp_path / "points-web.log").write_text(f"harmless\n{line}\n")
    assert leaks(tmp_path, WORDS) == [f"points-web.log:2: {what}"]


def test_what_is_always_there_is_not(tmp_path: Path) -> None:
    lines = (
        '{"event": "started", "process": "points-web", "timestamp": "2026-11-28T17:42:53.9883Z"}',
        '{"member": "01a2244a-0dd0-7000-bc8d-3c1ee1719b60", "took": 0.0801234567890}',
        "2026-11-28 17:42:48.439 UTC [8056] LOG:  listening on 127.0.0.1, port 15521",
        "node rabbit@localhost, amqp://127.0.0.1:5672",
    )
    (tmp_path / "points-web.log").write_text("\n".join(lines))
    assert leaks(tmp_path, WORDS) == []
    assert leaks(tmp_path, {}) == []
