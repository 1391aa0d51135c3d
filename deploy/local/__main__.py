"""The command line: `python3 -m deploy.local up|down|status|run …`. See `--help`."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy.local import compose, supervise, up
from deploy.local.commands import SetupError
from deploy.local.files import read_env
from deploy.local.layout import DEFAULT_FOLDER, Layout
from deploy.local.stack import Stack, StartFailed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m deploy.local", description=up.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    texts = {
        "up": "start everything and wait until it is ready",
        "down": "stop everything; data stays",
        "status": "what runs",
        "logs": "follow all logs",
        "run": "run a command with the addresses and keys of `.local/env`",
        "clean-data": "stop everything and delete its data",
        "prepare-checks": "install what `make check` needs",
        "prepare-tests": "install what `make test` needs",
        "supervise": "(internal) the supervisor itself",
    }
    for name, text in texts.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="default: .local")
        if name == "up":
            command.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
        if name == "run":
            command.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    return parser


def _status(folder: Path) -> int:
    """Print one line a unit. 0 when all are ready, 1 when not, 3 when nothing runs."""
    stack, layout = Stack(folder), Layout(folder)
    if compose.is_running(layout):
        units = compose.units(layout)
    else:
        units = stack.status().get("units", {}) if stack.is_running() else {}
    if not units:
        print("not running")
        return 3
    for name, unit in units.items():
        process = f" pid {unit['pid'] or '-':<8} starts {unit['starts']}" if "pid" in unit else ""
        print(f"{name:18} {unit['state']:9}{process}")
    return 0 if all(unit["state"] == "ready" for unit in units.values()) else 1


def _logs(folder: Path) -> int:
    """Follow all logs until Ctrl-C."""
    layout = Layout(folder)
    if compose.is_running(layout):
        command = compose.following_logs(layout)
    else:
        command = ["tail", "-n", "20", "-F", *map(str, sorted(layout.logs.glob("*.log")))]
    return subprocess.run(command, check=False).returncode


def _run(folder: Path, words: list[str]) -> int:
    """Run the command in the environment of this stack; its exit code is ours."""
    env = read_env(Layout(folder).env)
    if not env or not words:
        print("nothing runs: `make up` first" if words else "which command?", file=sys.stderr)
        return 2
    return subprocess.run(words, env=os.environ | env, check=False).returncode


def _clean(folder: Path) -> int:
    if os.environ.get("FORCE") != "1":
        if not sys.stdin.isatty():
            print("say FORCE=1 to delete data without being asked", file=sys.stderr)
            return 2
        if input(f"Delete all data in {folder}? [y/N] ").strip().lower() not in ("y", "yes"):
            print("kept")
            return 1
    up.clean_data(folder)
    print("deleted")
    return 0


def _dispatch(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder.resolve()
    match arguments.command:
        case "up":
            up.up(folder, dict(item.split("=", 1) for item in arguments.env))
        case "down":
            print("stopped; the data is kept" if up.down(folder) else "nothing was running")
        case "status":
            return _status(folder)
        case "logs":
            return _logs(folder)
        case "run":
            return _run(folder, arguments.words)
        case "clean-data":
            return _clean(folder)
        case "prepare-checks":
            up.prepare_checks()
        case "prepare-tests":
            up.prepare_tests()
        case "supervise":
            return supervise.supervise(folder)
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Run one command; what somebody must know about a failure goes to stderr."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _interrupt)  # `timeout make up` leaves nothing either
    try:
        return _dispatch(arguments)
    except (SetupError, StartFailed, RuntimeError, TimeoutError, OSError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
