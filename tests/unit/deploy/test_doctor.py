"""What the doctor makes of what it sees: pure judgement, no servers."""

import os
from typing import Any

import pytest

from deploy.backup import manifest
from deploy.backup.manifest import Ledger, Manifest
from deploy.doctor import disk_check, findings, settings_check
from deploy.doctor.broker_check import dead_letters, queues, tried_again
from deploy.doctor.findings import TITLES, Finding, bad, good
from deploy.doctor.surroundings import Surroundings
from shared import clock
from shared.bus.depths import Depth, all_purposes


def whole(**changes: str | None) -> Surroundings:
    """A complete installation, but for the changes."""
    settings: dict[str, Any] = {
        name: f"{name.lower()}-{'x' * 64}" for name in settings_check.required()
    }
    settings |= {"PUBLIC_URL": "https://shop.example.jp", **changes}
    return Surroundings({name: value for name, value in settings.items() if value}, whole=True)


def wrong(here: Surroundings) -> list[str]:
    return [each.en for each in settings_check.check(here) if each.state == "bad"]


def test_a_whole_installation_has_nothing_wrong() -> None:
    assert wrong(whole()) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"SESSION_KEY": None, "AMQP_URL": None}, "Not set: AMQP_URL, SESSION_KEY."),
        ({"SESSION_KEY": "short"}, "SESSION_KEY is too short (5 characters; at least 32)."),
        ({"POINTS_DB_PASSWORD": "x" * 15}, "POINTS_DB_PASSWORD is too short"),
        ({"PURCHASE_ID_KEY": "k" * 64, "QR_SIGNING_KEY": "k" * 64}, "have the same value"),
        ({"PUBLIC_URL": "http://shop.example.jp"}, "PUBLIC_URL must be https://"),
    ],
)
def test_a_setting_that_is_wrong_is_named(changes: dict[str, str | None], says: str) -> None:
    [found] = wrong(whole(**changes))
    assert says in found


def test_no_secret_is_ever_told() -> None:
    here = whole(PURCHASE_ID_KEY="tell-nobody", QR_SIGNING_KEY="tell-nobody")
    told = findings.text(settings_check.check(here))
    assert "too short" in told
    assert "tell-nobody" not in told


def test_a_local_start_shows_only_some_of_its_settings_and_misses_none() -> None:
    assert wrong(Surroundings({"SANDBOX_URL": "http://127.0.0.1:1"}, whole=False)) == []


def test_queues_that_are_missing_unread_or_long_are_told() -> None:
    depths: dict[str, Depth | None] = dict.fromkeys(all_purposes(), Depth(0, 1))
    depths |= {"dead": Depth(0, 0), "retry.1s": Depth(3, 0)}
    assert [each.state for each in queues(depths)] == ["good"]
    depths |= {"points.awards": Depth(7, 0), "points.chat": None, "notify.line": Depth(900, 1)}
    told = [(each.state, each.en) for each in queues(depths)]
    assert [state for state, _ in told] == ["bad", "bad", "hint"]
    assert "points.chat" in told[0][1]
    assert "points.awards (7 message(s)" in told[1][1]
    assert "900 messages wait in notify.line" in told[2][1]


def test_what_fails_again_and_again_is_told_before_it_is_given_up() -> None:
    assert tried_again({"retry.1s": Depth(3, 0), "retry.5s": Depth(9, 0), "retry.30s": None}) == []
    [found] = tried_again({"retry.30s": Depth(1, 0), "retry.600s": Depth(2, 0)})
    assert found.state == "bad"
    assert "3 message(s) failed several times" in found.en
    assert found.do == "docs/runbooks/TamaruRetries.md"


def test_dead_letters_come_with_the_command_to_type() -> None:
    assert dead_letters({"dead": Depth(0, 0)}).state == "good"
    found = dead_letters({"dead": Depth(2, 0)})
    assert (found.state, "tamaru dlq list" in found.do) == ("bad", True)


def test_a_backup_has_an_age(tmp_path: Any) -> None:
    def state() -> str:
        here = Surroundings({"BACKUP_FOLDER": str(tmp_path)}, whole=True)
        return disk_check.backup(here)[0].state

    assert state() == "unknown"
    (tmp_path / "tamaru-20260101T000000Z.partial").mkdir()
    assert state() == "unknown", "one that was not finished is none"
    whole = tmp_path / "tamaru-20260101T000000Z"
    whole.mkdir()
    assert state() == "good"
    two_days_ago = clock.now().timestamp() - 2 * 86400
    os.utime(whole, (two_days_ago, two_days_ago))
    (tmp_path / "erased-members.jsonl").touch()
    assert state() == "bad", "what is written between backups is none"


def test_a_backup_that_everybody_reads_is_hinted_at(tmp_path: Any) -> None:
    def told(**settings: str) -> list[str]:
        found = disk_check.backup(Surroundings(settings, whole=True))
        assert findings.is_well(found)
        return [each.en for each in found if each.state == "hint"]

    def made(name: str, recipients: list[str]) -> None:
        folder = tmp_path / name
        folder.mkdir()
        said = Manifest(clock.now(), 17, Ledger(0, 0, 0), {}, {}, {}, recipients)
        manifest.write(folder, said)
        made_last = clock.now().timestamp() + len(list(tmp_path.iterdir()))
        os.utime(folder, (made_last, made_last))

    here = {"BACKUP_FOLDER": str(tmp_path)}
    made("tamaru-20260101T000000Z", [])
    assert "tamaru-20260101T000000Z) is not encrypted" in told(**here)[0]
    made("tamaru-20260102T000000Z", ["age1x"])
    assert told(**here) == [], "the newest one counts"
    made("tamaru-20260103T000000Z", [])
    (tmp_path / "of-another-tool.dump").write_text("?")
    later = clock.now().timestamp() + 60
    os.utime(tmp_path / "of-another-tool.dump", (later, later))
    assert told(**here) == [], "what another tool made does not say"


def test_where_no_backup_is_seen_the_setting_tells_whether_it_is_encrypted() -> None:
    def states(**settings: str) -> list[str]:
        return [each.state for each in disk_check.backup(Surroundings(settings, whole=True))]

    assert states() == ["unknown"], "backups may be another tool's"
    assert states(BACKUP_RECIPIENTS="age1x") == ["unknown"]
    assert states(BACKUP_RECIPIENTS=" ,") == ["unknown", "hint"]


def test_hints_are_no_fault_and_everything_is_told_in_both_languages() -> None:
    fine = [good("broker", "良い", "fine"), Finding("disk", "unknown", "不明", "unknown", "df -h")]
    assert findings.is_well(fine)
    told = findings.text([*fine, bad("cache", "悪い", "bad", "do this")])
    assert "→ df -h" in told
    assert "→ do this" in told
    assert told.index("良い") < told.index("fine") < told.index("悪い")
    assert told.endswith("異常が 1 件あります。 / 1 thing(s) are wrong.")
    assert set(TITLES) >= {each.check for each in fine}
