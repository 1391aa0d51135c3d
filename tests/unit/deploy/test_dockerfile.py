"""deploy/Dockerfile, read instruction by instruction, .dockerignore beside it; the edge's own."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.notify.menus.fonts import PLACES

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Instruction:
    name: str
    rest: str
    stage: int


def instructions(place: str) -> list[Instruction]:
    """Every instruction with its continuation lines, and the stage that it belongs to."""
    text = (ROOT / place).read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found, stage = [], -1
    for line in joined.splitlines():
        name, _, rest = line.partition(" ")
        stage += name == "FROM"
        found.append(Instruction(name, rest.strip(), stage))
    return found


ALL = instructions("deploy/Dockerfile")
FINAL = [each for each in ALL if each.stage == ALL[-1].stage]
EDGE = instructions("deploy/edge/Dockerfile")


def of(name: str, among: list[Instruction] = ALL) -> list[str]:
    return [each.rest for each in among if each.name == name]


def copied() -> list[str]:
    """What is copied from the repository."""
    return [rest.split()[0] for rest in of("COPY") if not rest.startswith("--from=")]


def test_all_stages_stand_on_one_exact_release() -> None:
    bases = {rest.split(" AS ")[0] for rest in of("FROM")}
    assert len(of("FROM")) == 3
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-trixie(@sha256:[0-9a-f]{64})?", bases.pop())


def test_what_is_copied_exists_and_is_all_there_is() -> None:
    assert copied() == ["deploy/web/", "requirements.lock", "shared/", "services/", "deploy/"]
    assert all((ROOT / source).exists() for source in copied())
    assert not of("ADD")


def test_the_final_stage_takes_only_what_was_built() -> None:
    assert all(rest.startswith("--from=build ") for rest in of("COPY", FINAL))


@pytest.mark.parametrize("place", ["deploy/web/node.lock", "requirements.lock"])
def test_dependencies_are_the_locked_ones_with_their_hashes(place: str) -> None:
    installs = [rest for rest in of("RUN") if "pip" in rest and "install" in rest]
    (install,) = [rest for rest in installs if rest.endswith(f"-r {Path(place).name}")]
    for option in ("--require-hashes", "--only-binary=:all:", "--no-deps"):
        assert option in install
    lock = (ROOT / place).read_text()
    assert "--hash=sha256:" in lock
    assert "index-url" not in lock
    assert "https://" not in lock


def test_the_pages_libraries_are_built_in_and_node_stays_behind() -> None:
    (stage,) = {each.stage for each in ALL if each.rest == "deploy/web/ ."}
    (install,) = [each for each in ALL if "npm-cli.js ci" in each.rest]
    assert install.stage == stage
    assert "--omit=dev" in install.rest
    build = [each for each in ALL if each.stage == ALL[-1].stage - 1]
    taken = "/browser/node_modules"
    assert f"--from=browser {taken} {taken}" in of("COPY", build)
    assert f"python -m deploy.local.browser {taken}" in of("RUN", build)
    after = [each.name for each in build][-1]
    assert after == "RUN", "compiled last"
    assert not [rest for rest in of("COPY", FINAL) if "browser" in rest or "node" in rest]


def test_there_is_a_font_for_what_is_drawn_in_japanese() -> None:
    runs = of("RUN", FINAL)
    (install,) = [rest for rest in runs if "apt-get install" in rest]
    assert "fonts-morisawa-bizud-gothic" in install
    assert "rm -rf /var/lib/apt/lists/*" in install
    assert PLACES[0].endswith("/bizud-gothic/BIZUDPGothic-Bold.ttf")
    assert any("japanese()" in rest for rest in runs), "seen missing when the image is built"


def test_its_pg_dump_is_as_new_as_the_server() -> None:
    (install,) = [rest for rest in of("RUN", FINAL) if "apt-get install" in rest]
    client = re.search(r"postgresql-client-(\d+)", install)
    server = re.search(r"image: postgres:(\d+)\.", (ROOT / "docker-compose.yml").read_text())
    assert client and server
    assert client[1] == server[1]


def test_it_runs_without_rights() -> None:
    assert of("USER", FINAL) == ["10001:10001"]
    after = FINAL[[each.name for each in FINAL].index("USER") :]
    assert not of("RUN", after)


def test_it_stops_and_is_watched_properly() -> None:
    assert of("STOPSIGNAL", FINAL) == ["SIGTERM"]
    (check,) = of("HEALTHCHECK", FINAL)
    assert check.endswith('CMD ["python", "-S", "-m", "deploy.healthcheck"]')
    assert all(rest.startswith("[") for rest in of("CMD")), "a shell would swallow SIGTERM"
    assert not of("ENTRYPOINT")


@pytest.mark.parametrize("name", ["ENV", "ARG", "LABEL"])
def test_no_secret_is_built_in(name: str) -> None:
    assert not [rest for rest in of(name) if re.search("PASSWORD|SECRET|TOKEN|KEY|_URL", rest)]


def test_nothing_but_the_sources_reaches_the_build() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*"
    assert [rule[1:] for rule in rules if rule.startswith("!")] == copied()[1:]
    assert {"**/.env*", "**/static/vendor", "**/node_modules"} <= set(rules)


def test_the_command_is_the_one_of_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert 'tamaru = "deploy.cli:app"' in project
    assert any("from deploy.cli import app" in rest for rest in of("RUN"))


def test_the_edge_stands_on_an_exact_release() -> None:
    (base,) = of("FROM", EDGE)
    assert re.fullmatch(r"caddy:\d+\.\d+\.\d+-alpine", base)


def test_the_edge_starts_without_rights_and_may_write_its_certificates() -> None:
    assert EDGE[-1].name == "USER"
    assert EDGE[-1].rest == of("USER", FINAL)[0]
    copy, owner = of("RUN", EDGE)
    assert copy == "cp /usr/bin/caddy /usr/bin/copied && mv /usr/bin/copied /usr/bin/caddy"
    assert owner == f"chown -R {EDGE[-1].rest} /data"


def test_the_edge_has_the_caddyfile_of_every_other_start() -> None:
    assert of("COPY", EDGE) == ["--chmod=444 Caddyfile /etc/caddy/Caddyfile"]
    assert (ROOT / "deploy/edge/Caddyfile").is_file()
