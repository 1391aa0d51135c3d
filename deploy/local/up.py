"""`make up`, `make down` and what `make test` needs first, in order and with visible progress."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from deploy.local import binaries, browser, commands, compose, packages, probes, summary, venv
from deploy.local.files import locked, read_env
from deploy.local.layout import DEFAULT_FOLDER, ROOT, Layout
from deploy.local.plan import URL_NAMES, Options
from deploy.local.processes import PROCESSES
from deploy.local.server_units import SERVER_NAMES
from deploy.local.stack import Progress, Stack, StartFailed
from deploy.local.supervise import away_folder

_ADMISSION_SECONDS = 30.0
_CLONE = Layout(DEFAULT_FOLDER)  # what every stack of this clone shares
_TURN = 600.0  # seconds to wait for another `make up` or `make down`


def progress() -> Progress:
    """Prints lines with the seconds since now."""
    started = time.monotonic()
    return lambda text: print(f"[{time.monotonic() - started:5.1f}s] {text}", flush=True)


def given_urls(environ: Mapping[str, str]) -> dict[str, str]:
    """The servers that the caller names by URL and that are therefore not started here."""
    return {name: environ[name] for name in URL_NAMES.values() if environ.get(name)}


def wants_docker(environ: Mapping[str, str]) -> bool:
    """Docker is used where an engine answers, unless told otherwise or given a server's URL."""
    private = environ.get("TAMARU_LOCAL") == "private" or given_urls(environ)
    return not private and compose.engine_answers()


def up(folder: Path, env: Mapping[str, str]) -> None:
    """Start everything and say how to use it. Raises SetupError or StartFailed.

    Whatever this call started is stopped again when it fails or is interrupted.
    """
    tell = progress()
    started = time.monotonic()
    layout = Layout(folder.resolve())
    layout.make()
    with locked(layout.up_lock, _TURN):
        _up(layout, env, tell)
    print(summary.text(read_env(layout.env), commands.shown(layout.env)))
    tell(f"ready after {time.monotonic() - started:.1f} s")


def _wait_admitted(layout: Layout) -> None:
    """The demo's keys reach webhook by an event: wait until its till may post."""
    env = read_env(layout.env)
    probe = probes.admitted(env["EDGE_URL"], env["POS_API_KEY"])
    deadline = time.monotonic() + _ADMISSION_SECONDS
    while not probe():
        if time.monotonic() > deadline:
            log = commands.shown(layout.log("points-awards"))
            raise StartFailed(f"the till's key is not admitted; see {log}")
        time.sleep(0.1)


def _up(layout: Layout, env: Mapping[str, str], tell: Progress) -> None:
    stack = Stack(layout.folder, {**given_urls(os.environ), **env})
    if stack.is_running():
        tell("already running (`make down` first, to load changed code)")
        stack.wait_ready(tell=tell)
    elif wants_docker(os.environ):
        _up_with_docker(layout, tell)
    else:
        _up_privately(stack, tell)


def _up_with_docker(layout: Layout, tell: Progress) -> None:
    tell("a Docker engine answers: docker compose (TAMARU_LOCAL=private does without)")
    with _undone(lambda: compose.down(layout), tell):
        compose.up(layout, tell)


def _up_privately(stack: Stack, tell: Progress) -> None:
    held = [] if venv.is_current(ROOT, venv.RUNTIME_LOCK) else _python_processes()
    layout = Layout(stack.folder)
    pool = ThreadPoolExecutor(max_workers=2)
    with _undone(stack.stop, tell), pool, _cancelled_on_error():
        environment = pool.submit(venv.ensure, venv.RUNTIME_LOCK, stack.log("pip"), tell)
        libraries = pool.submit(browser.ensure, _CLONE, tell, _python_of(environment))
        _install(stack.options, layout, tell)
        _install_font(layout, tell)
        tell(f"starting {', '.join(stack.options.private) or 'the processes'}")
        stack.start(held)
        _say_where(layout, tell)
        if held:
            stack.wait_ready(stack.options.private, tell=tell)
        environment.result()
        libraries.result()
        stack.release(*held)
        stack.wait_ready(tell=tell)
        _wait_admitted(layout)


def _python_of(environment: Future[None]) -> Callable[[], Path]:
    """Waits for the environment and names its Python."""

    def python() -> Path:
        environment.result()
        return venv.python()

    return python


def _python_processes() -> list[str]:
    return [process.name for process in PROCESSES if "{python}" in process.command]


def _install(options: Options, layout: Layout, tell: Progress, *more: str) -> None:
    """Install the packages of the programs that are missing."""
    programs = [*binaries.wanted_programs(options.private, options.has_edge), *more]
    missing = binaries.missing_packages(programs)
    if missing:
        log = layout.log("apt")
        tell(f"installing {' '.join(missing)} (log: {commands.shown(log)})")
        packages.install(missing, log)
        if note := packages.note_about_services():
            tell(note)


def _install_font(layout: Layout, tell: Progress) -> None:
    """The font that rich menus are drawn with. Where it cannot be installed they show icons without
    words: no reason not to start."""
    missing = binaries.missing_packages(["menu-font"])
    if not missing:
        return
    tell(f"installing {' '.join(missing)} (log: {commands.shown(layout.log('apt'))})")
    try:
        packages.install(missing, layout.log("apt"))
    except commands.SetupError:
        tell(f"rich menus show icons without words until you run: {packages.by_hand(missing)}")


def _say_where(layout: Layout, tell: Progress) -> None:
    away = away_folder(layout.folder)
    if away.exists():
        tell(f"the servers' user cannot reach {layout.folder}: their data is in {away}")


@contextlib.contextmanager
def _undone(undo: Callable[[], object], tell: Progress) -> Iterator[None]:
    """Stop what was started when the block fails; Ctrl-C during that is ignored."""
    try:
        yield
    except BaseException as error:
        reason = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        tell(f"{reason}: stopping what was started")
        with _uninterrupted():
            undo()
        raise


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C and SIGTERM: a second one must not leave half of it running."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def _cancelled_on_error() -> Iterator[None]:
    """End pip and apt when the block fails: their threads would be waited for otherwise."""
    try:
        yield
    except BaseException:
        commands.stop_all()
        raise


def down(folder: Path) -> bool:
    """Stop everything that runs from this folder; data stays. False when nothing ran."""
    layout = Layout(folder.resolve())
    if not layout.folder.exists():
        return False
    with locked(layout.up_lock, _TURN):
        if compose.is_running(layout):
            compose.down(layout)
            return True
        return Stack(layout.folder).stop()


def clean_data(folder: Path) -> None:
    """Stop everything and delete all local data of this folder."""
    layout = Layout(folder.resolve())
    compose.delete_data(layout)
    Stack(layout.folder).destroy()


def prepare_checks() -> None:
    """The development environment alone. Raises SetupError."""
    layout = Layout(DEFAULT_FOLDER)
    layout.make()
    venv.ensure(venv.DEV_LOCK, layout.log("pip"), progress())


def prepare_tests() -> None:
    """The development environment and every program that a test may start. Raises SetupError."""
    tell = progress()
    layout = Layout(DEFAULT_FOLDER)
    layout.make()
    options = Options(given_urls(os.environ), SERVER_NAMES)
    with ThreadPoolExecutor(max_workers=2) as pool, _cancelled_on_error():
        environment = pool.submit(venv.ensure, venv.DEV_LOCK, layout.log("pip"), tell)
        libraries = pool.submit(browser.ensure, layout, tell, _python_of(environment))
        _install(options, layout, tell, "chromium", "fonts", "promtool")
        environment.result()
        libraries.result()
