"""Which process gets what."""

import json
from pathlib import Path

import pytest

from deploy.local import credentials, files, processes
from deploy.local.plan import URL_NAMES, Options, Plan, role_url
from deploy.local.ports import BLOCK
from deploy.local.processes import PROCESSES, Process
from deploy.local.units import Unit, pid_name

SECRETS = credentials.generate()
SERVERS = {name: credentials.server_url(name, SECRETS, 20_001) for name in URL_NAMES}


def plan(options: Options | None = None) -> Plan:
    chosen = options or Options()
    urls = {name: SERVERS[name] for name in chosen.private}
    return Plan(chosen, 20_000, SECRETS, urls, Path("/usr/bin/caddy"), Path("/data"))


def unit(name: str, options: Options | None = None) -> Unit:
    return next(unit for unit in plan(options).units() if unit.name == name)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_a_process_sees_no_secret_but_its_own(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRETS:  # what the caller's shell exports does not slip in either
        monkeypatch.setenv(name, SECRETS[name])
    env = plan().environment(process)
    known = set(SECRETS.values()) - {SECRETS["OWNER_LOGIN"]}
    seen = {name for name, value in env.items() if value in known and name in SECRETS}
    servers = {"POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD", "ERLANG_COOKIE"}
    assert seen - servers == set(process.needs) - {"OWNER_LOGIN"}


def test_a_service_connects_with_its_own_role() -> None:
    url = unit("points-awards").env["DATABASE_URL"]
    word = SECRETS["POINTS_DB_PASSWORD"]
    assert url == f"postgresql://tamaru_points:{word}@127.0.0.1:20001/tamaru"


def test_only_the_one_shots_connect_as_the_administrator() -> None:
    admin = SECRETS["POSTGRES_PASSWORD"]
    having = {
        unit.name for unit in plan().units() if any(admin in value for value in unit.env.values())
    }
    assert having == {"migrate", "demo"}


def test_the_sandbox_and_the_edge_reach_no_server() -> None:
    for name in ("sandbox", "edge"):
        assert not set(unit(name).env) & set(URL_NAMES.values())


def test_a_role_keeps_host_port_database_and_parameters() -> None:
    url = role_url("postgresql://a:b@db.example:6432/shop?sslmode=require", "notify", "p/w")
    assert url == "postgresql://tamaru_notify:p%2Fw@db.example:6432/shop?sslmode=require"


def test_every_process_has_a_port_of_its_own_within_the_block() -> None:
    found = [plan().port(process) - 20_000 for process in PROCESSES]
    assert len(set(found)) == len(PROCESSES)
    assert max(found) < BLOCK
    assert min(found) > 5  # the servers' ports


def test_the_edge_is_told_where_to_go() -> None:
    env, urls = unit("edge").env, plan().urls()
    assert env["EDGE_ADDRESS"] == urls["EDGE_URL"]
    assert f"http://{env['WEBHOOK_UPSTREAM']}" == urls["WEBHOOK_URL"]
    assert f"http://{env['POINTS_UPSTREAM']}" == urls["POINTS_URL"]
    assert f"http://{env['NOTIFY_UPSTREAM']}" == urls["NOTIFY_WEB_URL"]
    assert f"http://{env['SCHEDULER_UPSTREAM']}" == urls["SCHEDULER_WEB_URL"]


def test_line_is_the_sandbox_here() -> None:
    assert unit("notify-worker").env["LINE_API_BASE"] == plan().urls()["SANDBOX_URL"]


def test_a_server_given_by_url_is_used_and_not_started() -> None:
    options = Options({"DATABASE_URL": "postgresql://a:b@db/shop"})
    assert options.private == ("redis", "rabbitmq")
    assert unit("migrate", options).env["DATABASE_URL"] == "postgresql://a:b@db/shop"
    assert "@db/shop" in unit("points-web", options).env["DATABASE_URL"]


def test_the_callers_settings_win() -> None:
    options = Options({"LOG_LEVEL": "debug", "POS_API_KEY": "tmr_pos_mine"})
    assert unit("webhook-web", options).env["LOG_LEVEL"] == "debug"
    assert unit("demo", options).env["POS_API_KEY"] == "tmr_pos_mine"
    assert plan(options).script_env({})["POS_API_KEY"] == "tmr_pos_mine"


def test_scripts_find_all_that_the_contract_names() -> None:
    env = plan().script_env({"PID_POINTS_AWARDS": 7})
    named = "EDGE_URL SANDBOX_URL POS_API_KEY OWNER_API_KEY OWNER_LOGIN OWNER_PASSWORD"
    named += " LINE_CHANNEL_SECRET DATABASE_URL AMQP_URL REDIS_URL PID_POINTS_AWARDS"
    named += " WEBHOOK_URL POINTS_URL NOTIFY_URL SCHEDULER_URL POINTS_AWARDS_URL POINTS_RANKS_URL"
    named += " POINTS_HOOKS_URL"
    assert set(named.split()) | {"BUS_NAMESPACE"} <= set(env)
    assert env["PID_POINTS_AWARDS"] == "7"
    assert files.parse_env(files.format_env(env)) == env


def test_pid_names() -> None:
    assert pid_name("points-awards") == "PID_POINTS_AWARDS"


def test_the_loopback_needs_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert unit("notify-worker").env["NO_PROXY"] == "example.com,127.0.0.1,localhost"


def test_options_survive_their_file() -> None:
    extra = Process("x", ("{python}", "-m", "x"), settings=(("A", "1"),), after=())
    options = Options({"A": "b"}, ("redis",), (*PROCESSES, extra), temporary=True)
    assert Options.from_json(json.loads(json.dumps(options.to_json()))) == options
    assert processes.from_json(processes.to_json(PROCESSES)) == PROCESSES
