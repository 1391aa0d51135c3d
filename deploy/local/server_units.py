"""The private PostgreSQL, Redis and RabbitMQ: their files, settings and units.

Loopback only, own data folder, own ports, own passwords; never the system's instances.
"""

import os
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import probes
from deploy.local.binaries import Binaries
from deploy.local.credentials import server_url
from deploy.local.spawn import Account
from deploy.local.units import NAMES, SERVERS, Unit

SERVER_NAMES = ("postgres", "redis", "rabbitmq")
OFFSETS = {"postgres": 1, "redis": 2, "rabbitmq": 3, "rabbitmq-dist": 4, "epmd": 5}

# Full durability; wide checkpoints, because random pages cost most right after one. What a new shop
# or an import fills is looked at soon: until then plans are those of an empty table.
_POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "30min",
    "autovacuum_naptime": "10s",
    "max_connections": "200",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # neither the values of an error
    "log_min_error_statement": "panic",  # nor a password that was to be set
}

# Into a folder of another name first: a start that was cut off leaves no half a cluster behind.
_INITIALISE_POSTGRES = """set -eu
cd "$FOLDER"
[ -e data ] && exit 0
rm -rf new
printf '%s\\n' "$SUPERUSER_PASSWORD" | "$BIN/initdb" -D new -U postgres --encoding=UTF8 \\
  --locale=C.UTF-8 --auth=scram-sha-256 --pwfile=/dev/stdin --no-instructions
echo 'CREATE DATABASE tamaru' | "$BIN/postgres" --single -D new postgres
mv new data
"""

_RABBITMQ_CONFIG = """listeners.tcp.1 = 127.0.0.1:{port}
default_user = tamaru
default_pass = {password}
default_vhost = /
log.console = true
log.console.level = info
log.file = false
vm_memory_high_watermark.relative = 0.4
"""


@dataclass(frozen=True)
class ServerPlan:
    """All that the servers' units follow from.

    `node` is RabbitMQ's name for itself; `peers` are the nodes of a cluster, the first of which
    has to be there before the others come."""

    folder: Path
    base: int
    secrets: Mapping[str, str]
    account: Account | None
    binaries: Binaries
    node: str = "tamaru"
    peers: tuple[str, ...] = ()

    def port(self, name: str) -> int:
        return self.base + OFFSETS[name]

    def url(self, name: str) -> str:
        """The administrator's URL of one server."""
        return server_url(name, self.secrets, self.port(name))


def _environment(home: Path) -> dict[str, str]:
    """Nothing of the caller's: a RABBITMQ_ or PG variable of theirs must not reach ours."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "LANG": "C.UTF-8", "HOME": str(home)}


def _own(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)


def make_folder(path: Path, account: Account | None) -> Path:
    """A folder that only the server's user can look into."""
    path.mkdir(mode=0o700, exist_ok=True)
    _own(path, account)
    return path


def _write(path: Path, text: str, account: Account | None) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    _own(path, account)


def _postgres_buffers() -> int:
    """MB: a quarter of the machine's memory, as PostgreSQL's manual advises, and at most as much as
    holds the pages that purchases touch in a ledger of ten million entries. What nothing needs is
    never taken: the system gives out pages as they are first used."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(128, min(memory // 4 // 2**20, 2048))


def postgres_units(plan: ServerPlan) -> list[Unit]:
    folder = make_folder(plan.folder / "postgres", plan.account)
    env = _environment(folder)
    binary = plan.binaries.postgres
    words = {"FOLDER": str(folder), "BIN": str(binary.parent)}
    words["SUPERUSER_PASSWORD"] = plan.secrets["POSTGRES_PASSWORD"]
    init = Unit(
        "postgres-init",
        ("/bin/sh", "-c", _INITIALISE_POSTGRES),
        env | words,
        layer=SERVERS,
        one_shot=True,
        account=plan.account,
        cwd=folder,
    )
    settings = _POSTGRES_SETTINGS | {
        "port": str(plan.port("postgres")),
        "shared_buffers": f"{_postgres_buffers()}MB",
    }
    arguments = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
    server = Unit(
        "postgres",
        (str(binary), "-D", str(folder / "data"), *arguments),
        env,
        layer=SERVERS,
        probe=probes.postgres(plan.port("postgres")),
        after=("postgres-init",),
        account=plan.account,
        stop_signal=signal.SIGINT,  # fast: clients are cut off, the data is checkpointed
        stop_seconds=30.0,
        death_signal="QUIT",  # at once, but its own children too
        patience=12,  # after a SIGKILL it waits for the old backends to leave
        cwd=folder,
    )
    return [init, server]


def redis_units(plan: ServerPlan) -> list[Unit]:
    folder = make_folder(plan.folder / "redis", plan.account)
    password = plan.secrets["REDIS_PASSWORD"]
    config = f'bind 127.0.0.1\nport {plan.port("redis")}\ndir "{folder}"\n'
    config += f'requirepass {password}\nsave ""\nappendonly no\ndaemonize no\n'
    _write(folder / "redis.conf", config, plan.account)
    unit = Unit(
        "redis",
        (str(plan.binaries.redis), str(folder / "redis.conf")),
        _environment(folder),
        layer=SERVERS,
        probe=probes.redis(plan.port("redis"), password),
        account=plan.account,
        cwd=folder,
    )
    return [unit]


def _prepare_rabbitmq(folder: Path, plan: ServerPlan) -> None:
    """Its files. A node whose first boot was cut off may lack its user: such data is dropped."""
    if not (folder / "booted").exists() and (folder / "mnesia").exists():
        shutil.rmtree(folder / "mnesia")
    config = _RABBITMQ_CONFIG.format(
        port=plan.port("rabbitmq"), password=plan.secrets["RABBITMQ_PASSWORD"]
    )
    for number, peer in enumerate(plan.peers, 1):
        config += f"cluster_formation.classic_config.nodes.{number} = {peer}@localhost\n"
    _write(folder / "rabbitmq.conf", config, plan.account)
    _write(folder / "enabled_plugins", "[].\n", plan.account)
    _write(folder / "environment.conf", "", plan.account)
    _write(folder / ".erlang.cookie", plan.secrets["ERLANG_COOKIE"], plan.account)
    (folder / ".erlang.cookie").chmod(0o400)


def _rabbitmq_environment(folder: Path, plan: ServerPlan) -> dict[str, str]:
    return _environment(folder) | {
        "ERL_EPMD_PORT": str(plan.port("epmd")),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"{plan.node}@localhost",
        "RABBITMQ_NODE_PORT": str(plan.port("rabbitmq")),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(plan.port("rabbitmq-dist")),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "environment.conf"),
        # Makes the script become the Erlang VM, so that our child's pid is the broker's.
        "RUNNING_UNDER_SYSTEMD": "true",
    }


def rabbitmq_units(plan: ServerPlan) -> list[Unit]:
    folder = make_folder(plan.folder / "rabbitmq", plan.account)
    _prepare_rabbitmq(folder, plan)
    env = _rabbitmq_environment(folder, plan)
    epmd = Unit(
        "epmd",
        (str(plan.binaries.epmd),),
        env,
        layer=NAMES,
        probe=probes.tcp(plan.port("epmd")),
        account=plan.account,
        shown=False,
        cwd=folder,
    )
    node = Unit(
        "rabbitmq",
        (str(plan.binaries.rabbitmq),),
        env,
        layer=SERVERS,
        probe=probes.rabbitmq(plan.port("rabbitmq")),
        after=("epmd",),
        account=plan.account,
        stop_seconds=30.0,
        cwd=folder,
        marker=folder / "booted",
    )
    return [epmd, node]


def server_units(plan: ServerPlan, wanted: tuple[str, ...]) -> list[Unit]:
    """The units of the wanted servers; makes their folders and files."""
    build = {"postgres": postgres_units, "redis": redis_units, "rabbitmq": rabbitmq_units}
    return [unit for name in wanted for unit in build[name](plan)]
