"""Where a local start keeps its files. Pure paths; only `make` touches the disk."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = ROOT / ".local"


@dataclass(frozen=True)
class Layout:
    """The files of one stack. Two stacks with different folders share nothing."""

    folder: Path

    @property
    def state(self) -> Path:
        """Port block and server folder, remembered between starts (JSON)."""
        return self.folder / "state"

    @property
    def options(self) -> Path:
        """What the caller asked of this start (JSON, mode 600: it may hold URLs)."""
        return self.folder / "options"

    @property
    def status(self) -> Path:
        """What the supervisor sees now (JSON, rewritten on every change)."""
        return self.folder / "status"

    @property
    def env(self) -> Path:
        """The `KEY=value` lines that scripts read (mode 600)."""
        return self.folder / "env"

    @property
    def secrets(self) -> Path:
        """Generated secrets, kept as long as the data (mode 600)."""
        return self.folder / "secrets"

    @property
    def pids(self) -> Path:
        """Pid and start time of every child, so that orphans can be told from strangers."""
        return self.folder / "pids"

    @property
    def lock(self) -> Path:
        """Held by the living supervisor; its text is the supervisor's pid."""
        return self.folder / "supervisor.lock"

    @property
    def up_lock(self) -> Path:
        """Held while `up` or `down` works, so that two of them take turns."""
        return self.folder / "up.lock"

    @property
    def holds(self) -> Path:
        """A file named after a process in here keeps the supervisor from starting it."""
        return self.folder / "hold"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def servers(self) -> Path:
        """The servers' data, unless their user cannot reach it here (`supervise.away_folder`)."""
        return self.folder / "servers"

    @property
    def compose_env(self) -> Path:
        """The variables of a Docker start; kept as long as its data (mode 600)."""
        return self.folder / "compose.env"

    @property
    def browser(self) -> Path:
        """npm's folder with the pages' libraries; belongs to the clone, not to a stack's data."""
        return self.folder / "browser"

    @property
    def node(self) -> Path:
        """Node, where the machine has none; likewise."""
        return self.folder / "node"

    def everything(self) -> tuple[Path, ...]:
        """All files and folders of this stack. Another stack may live in a folder beside them."""
        files = (self.state, self.options, self.status, self.env, self.secrets, self.pids)
        folders = (self.holds, self.logs, self.servers)
        return (*files, self.compose_env, *folders, self.lock, self.up_lock)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def make(self) -> None:
        """Create the folders. 711: an unprivileged server must pass through, not look around."""
        for folder, mode in ((self.folder, 0o711), (self.logs, 0o700), (self.holds, 0o700)):
            folder.mkdir(mode=mode, parents=True, exist_ok=True)
        self.folder.chmod(0o711)
