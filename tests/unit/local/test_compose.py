"""The Docker way, with an executable on the PATH that plays the client and the engine."""

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from deploy.local import compose, up
from deploy.local.__main__ import _status
from deploy.local.files import read_env
from deploy.local.layout import Layout

WELL = {"State": "running", "Health": "healthy"}
STARTING = {"State": "running", "Health": "starting"}
ENDED = {"State": "exited", "Health": "", "ExitCode": 0}
DATABASE = {"TargetPort": 5432, "PublishedPort": 5}
ROWS: list[dict[str, Any]] = [
    {"ID": "c1", "Service": "points-awards", "Publishers": [], **STARTING},
    {"ID": "c2", "Service": "edge", "Publishers": [{"PublishedPort": 8080}], **WELL},
    {"ID": "c3", "Service": "postgres", "Publishers": [DATABASE], **WELL},
    {"ID": "c4", "Service": "sandbox", "Publishers": [{"PublishedPort": 0}, {"PublishedPort": 9}]},
    {"ID": "c5", "Service": "migrate", "Publishers": None, **ENDED},
    {"ID": "c6", "Service": "valkey", "Publishers": [], "State": "created"},
]
SCRIPT = """#!/bin/sh
echo "$@" >> "{calls}"
case "$*" in
  info) exit {info} ;;
  *" ps "*) cat "{rows}" ;;
  inspect*c5) echo 0 ;;
  inspect*c1) echo 4711 ;;
  inspect*) echo 42 ;;
  *" up "*) sleep {seconds}; echo "service points-web is unhealthy"; exit {up} ;;
esac
"""


class Docker:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls_file = folder / "calls"
        self.say(info=0, up=0)

    def say(self, info: int, up: int, rows: list[dict[str, Any]] = ROWS, seconds: int = 0) -> None:
        shown = self.folder / "rows"
        shown.write_text("\n".join(json.dumps(row) for row in rows))
        script = self.folder / "docker"
        script.write_text(
            SCRIPT.format(calls=self.calls_file, rows=shown, info=info, up=up, seconds=seconds)
        )
        script.chmod(stat.S_IRWXU)

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    for name in ("DATABASE_URL", "AMQP_URL", "REDIS_URL", "TAMARU_LOCAL"):
        monkeypatch.delenv(name, raising=False)
    return Docker(folder)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "local")


def test_an_engine_that_answers_is_used(
    docker: Docker, layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    up.up(layout.folder, {})
    build, start = docker.calls[1:3]
    assert build.endswith(" build")
    assert start.endswith(" up --detach --wait")
    assert f"--env-file {layout.compose_env}" in build
    assert "http://127.0.0.1:9/" in capsys.readouterr().out


def test_a_shop_that_runs_on_this_machine_and_another_clone_are_left_alone(
    docker: Docker, layout: Layout, tmp_path: Path
) -> None:
    up.up(layout.folder, {})
    name = compose.project(layout)
    assert name not in ("tamaru", compose.project(Layout(tmp_path / "other")))
    assert all(f"--project-name {name} " in call for call in docker.calls if "compose" in call)
    images = {value for key, value in read_env(layout.compose_env).items() if "IMAGE" in key}
    assert images == {f"{name}:local", f"{name}-edge:local"}


def test_it_tells_what_is_ready_meanwhile(
    docker: Docker, layout: Layout, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(compose, "_LOOK_SECONDS", 0.05)
    docker.say(info=0, up=0, seconds=1)
    up.up(layout.folder, {})
    told = "".join(capsys.readouterr())
    for name in ("edge", "postgres", "migrate"):
        assert told.count(f"{name} is ready") == 1
    assert "points-awards is ready" not in told
    assert "redis is ready" not in told


@pytest.mark.parametrize(
    ("changed", "code"),
    [(WELL, 0), ({"State": "exited", "ExitCode": 137}, 1), ({**WELL, "Health": "unhealthy"}, 1)],
)
def test_status_is_that_of_the_containers(
    docker: Docker,
    layout: Layout,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, Any],
    code: int,
) -> None:
    assert _status(layout.folder) == 3, "nothing runs yet"
    up.up(layout.folder, {})
    assert _status(layout.folder) == 1
    assert re.search(r"points-awards +starting", capsys.readouterr().out)
    docker.say(info=0, up=0, rows=[{**ROWS[0], **changed}, *ROWS[1:3]])
    assert _status(layout.folder) == code
    assert re.search("points-awards +" + ("failing" if code else "ready"), capsys.readouterr().out)


def test_data_is_deleted_after_down_too(docker: Docker, layout: Layout) -> None:
    up.up(layout.folder, {})
    up.down(layout.folder)
    up.clean_data(layout.folder)
    assert docker.calls[-1].endswith(" down --volumes")
    calls = len(docker.calls)
    up.clean_data(layout.folder)
    assert len(docker.calls) == calls


def test_the_env_file_is_like_that_of_a_private_start(docker: Docker, layout: Layout) -> None:
    up.up(layout.folder, {})
    env = read_env(layout.env)
    secrets = read_env(layout.secrets)
    assert env["EDGE_URL"] == "http://127.0.0.1:8080"
    assert env["SANDBOX_URL"] == "http://127.0.0.1:9"
    assert env["PID_POINTS_AWARDS"] == "4711"
    assert env["PID_REDIS"] == "42"
    assert "PID_MIGRATE" not in env
    assert env["POS_API_KEY"] == secrets["POS_API_KEY"]
    word = secrets["POSTGRES_PASSWORD"]
    assert env["DATABASE_URL"] == f"postgresql://postgres:{word}@127.0.0.1:5/tamaru"
    assert "AMQP_URL" not in env
    for path in (layout.env, layout.compose_env, layout.secrets):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_compose_is_given_all_that_its_file_insists_on(docker: Docker, layout: Layout) -> None:
    up.up(layout.folder, {})
    insisted = set(re.findall(r"\$\{([A-Z_]+):\?", compose.FILE.read_text(encoding="utf-8")))
    given = read_env(layout.compose_env)
    assert insisted
    assert insisted <= {name for name, value in given.items() if value}
    assert given["VALKEY_PASSWORD"] == read_env(layout.secrets)["REDIS_PASSWORD"]
    assert given["LINE_API_BASE"] == "http://sandbox.localhost:8090"


def test_down_takes_the_containers_down_once(docker: Docker, layout: Layout) -> None:
    up.up(layout.folder, {})
    assert up.down(layout.folder)
    assert docker.calls[-1].endswith(" down")
    assert not layout.env.exists()
    assert not up.down(layout.folder)


def test_a_failed_start_shows_the_log_and_takes_everything_down(
    docker: Docker, layout: Layout
) -> None:
    docker.say(info=0, up=1)
    with pytest.raises(up.commands.SetupError, match="points-web is unhealthy"):
        up.up(layout.folder, {})
    assert docker.calls[-1].endswith(" down")


@pytest.mark.parametrize("name", ["DATABASE_URL", "AMQP_URL", "REDIS_URL"])
def test_a_given_url_keeps_docker_out(docker: Docker, name: str) -> None:
    assert up.wants_docker({})
    assert not up.wants_docker({name: "x://y"})


def test_docker_can_be_declined_or_absent(docker: Docker) -> None:
    assert not up.wants_docker({"TAMARU_LOCAL": "private"})
    docker.say(info=1, up=0)
    assert not up.wants_docker({})


def test_both_forms_of_the_list_are_read() -> None:
    lines = "\n".join(json.dumps(row) for row in ROWS)
    assert compose.parse_containers(lines) == compose.parse_containers(json.dumps(ROWS)) == ROWS
    assert compose.parse_containers("") == []
