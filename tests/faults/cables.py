"""Wires between the product and its servers, in a thread of their own.

So what is done to them does not depend on who waits for whom in a test.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.wires import Wire, through


class Cables:
    """A wire for each server of `urls`; all are whole at first."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._wires: dict[str, Wire] = {}
        self.urls = {name: self.add(name, url) for name, url in urls.items()}
        """Where the product finds the servers."""

    def add(self, name: str, url: str) -> str:
        """Another wire; the URL of what it leads to, by way of it."""
        wire = self._wires[name] = Wire("127.0.0.1", urlsplit(url).port or 0)
        return through(url, self._wait(wire.open()))

    def cut(self, name: str) -> None:
        """End every connection; new ones are welcome."""
        self._do(self._wires[name].snap)

    def part(self, name: str) -> None:
        """End every connection and refuse new ones until `mend`."""
        self._do(self._wires[name].cut)

    def slow(self, name: str, seconds: float) -> None:
        """From now on whatever passes is so late, each way."""
        self._wires[name].late = seconds

    def lead(self, name: str, *ports: int) -> None:
        """New connections go to one of these ports, whoever answers there."""
        self._wires[name].ports = ports

    def silence(self, name: str) -> None:
        """Let nothing pass until `mend`."""
        self._do(self._wires[name].hang)

    def mend(self, name: str) -> None:
        """No fault; what waited passes."""
        self.slow(name, 0.0)
        self._do(self._wires[name].mend)

    def close(self) -> None:
        """End everything."""
        for wire in self._wires.values():
            self._wait(wire.close())
        self._do(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, act: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(act)

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)
