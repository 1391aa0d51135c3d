"""What is said in this process: the owner's own words, and the shipped ones behind them.

Any process may be the one where something is saved, so each looks again now and then; new words
count everywhere within seconds. What the database holds and this release cannot use (a variable
went, LINE's limits changed) is passed over for the shipped default, and said so.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg
import msgspec

from services.notify.store import templates as store
from services.notify.store.templates import Version
from services.notify.templates import wording
from services.notify.templates.checking import Found
from services.notify.templates.fixed import FIXED, fixed
from services.notify.templates.kinds import KINDS, problems
from services.notify.templates.template import Template
from services.notify.templates.theme import DEFAULT_BRAND
from services.notify.templates.wording import LANGUAGES, Wording
from shared import logs
from shared.bus.handling import Connection
from shared.db import UNREACHABLE, Pool

log = logs.logger(__name__)

LOOK_SECONDS = 2.0


class InForce(Mapping[str, Wording]):
    """Language → wording in force, as far as this process has heard (`wording.Wordings`).

    `public_url` is where customers' browsers find the shop's pages, "" if nowhere.
    """

    def __init__(self, public_url: str = "") -> None:
        self._public_url = public_url
        self._brand = DEFAULT_BRAND
        self.fixed = fixed(self._brand, public_url)
        self._wordings = wording.load(self.fixed)
        self._versions: dict[tuple[str, str], int] = {}
        self._seen: tuple[int, int] = (0, 0)

    def __getitem__(self, language: str) -> Wording:
        return self._wordings[language]

    def __iter__(self) -> Iterator[str]:
        return iter(self._wordings)

    def __len__(self) -> int:
        return len(self._wordings)

    async def look(self, connection: "Connection | asyncpg.Pool[Any]") -> None:
        """Take over what the database holds."""
        seen = await store.marks(connection)
        if seen == self._seen:
            return
        theme = await store.theme(connection)
        brand = theme.brand if theme else DEFAULT_BRAND
        self._take(await store.in_force(connection), brand)
        self._seen = seen

    async def run(self, pool: "Pool[Any]") -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.try_look(pool)
            await asyncio.sleep(LOOK_SECONDS)

    async def try_look(self, pool: "Pool[Any]") -> None:
        """Look; what was known stays where the database is not reached."""
        try:
            await self.look(pool)
        except UNREACHABLE as problem:
            log.warning("templates not looked up", problem=type(problem).__name__)

    def _take(self, versions: list[Version], brand: str) -> None:
        """All at once, so that nobody finds one half new."""
        names = fixed(brand, self._public_url)
        fresh = wording.load(names)
        for version in versions:
            template = self._own(version, names)
            if template is not None:
                fresh[version.language].templates[version.kind] = template
        self._brand, self.fixed, self._wordings = brand, names, fresh

    def _own(self, version: Version, names: Mapping[str, str]) -> Template | None:
        """The owner's template; None where the shipped one counts."""
        known = self._versions.get((version.kind, version.language))
        self._versions[version.kind, version.language] = version.version
        if version.messages is None:
            return None
        if wrong := unusable(version, names):
            if known != version.version:
                log.error(
                    "an own template no longer fits: the shipped default is said instead; "
                    "correct it or go back to the default (/v1/messages/templates)",
                    kind=version.kind, language=version.language, version=version.version,
                    problems=[f"{path}: {what}" for path, what in wrong[:3]],
                )  # fmt: skip
            return None
        return Template(
            f"{version.language}.{version.kind}",
            msgspec.json.decode(version.messages),
            KINDS[version.kind].variables,
            version=version.version,
            fixed=names,
        )


def unusable(version: Version, names: Mapping[str, str] = FIXED) -> Found:
    """Why a stored version cannot be said by this release; [] if it can."""
    if version.kind not in KINDS or version.language not in LANGUAGES:
        return [("", "This release sends no such message.")]
    if version.messages is None:
        return []
    try:
        messages = msgspec.json.decode(version.messages)
    except (msgspec.MsgspecError, RecursionError):
        return [("messages", "This is not JSON.")]
    return problems(version.kind, messages, names)
