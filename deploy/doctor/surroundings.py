"""What the doctor is told of the installation: the environment, else that of the local start."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from deploy.environment import local
from deploy.local.processes import PROCESSES


class Surroundings(NamedTuple):
    """Settings by name. `whole`: every setting of the installation is in there, so that one that
    is not there is missing."""

    settings: Mapping[str, str]
    whole: bool

    def get(self, name: str, otherwise: str = "") -> str:
        """A setting, or something else."""
        return self.settings.get(name) or otherwise

    @property
    def line_api_base(self) -> str:
        """LINE, or what stands in for it."""
        return self.get("LINE_API_BASE", self.get("SANDBOX_URL", "https://api.line.me"))

    @property
    def public_url(self) -> str:
        """What LINE and browsers call us."""
        return self.get("PUBLIC_URL", self.get("EDGE_URL"))

    @property
    def processes(self) -> dict[str, str]:
        """Process → its address, as far as addresses are known."""
        named = {each.name: each.url_name for each in PROCESSES if each.url_name}
        return {name: self.get(url) for name, url in named.items() if self.get(url)}


def surroundings() -> Surroundings:
    """Those of this command. A local start makes its secrets itself and shows some of them."""
    given, started = dict(os.environ), local()
    return Surroundings(started | given, whole=not started)
