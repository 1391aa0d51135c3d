"""Scripts, styles and pictures of the pages: addresses that change with their content.

A file that is asked for by the address it has now may be kept for ever; by any other it is asked
for anew each time, so a page never runs with yesterday's script.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

SHARED = Path(__file__).parent / "static"
_FOR_EVER = "public, max-age=31536000, immutable"
_LETTERS = 12


@cache
def _digest(path: Path, changed: int) -> str:
    """Of the content; `changed` (ns) makes an edited file a new one."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_LETTERS]


def digest(path: Path) -> str | None:
    """What tells the contents of a file apart; None if there is no such file."""
    try:
        return _digest(path, path.stat().st_mtime_ns)
    except OSError:
        return None


class Assets(StaticFiles):
    """A folder of static files, each kept for ever under the address that names its content."""

    async def get_response(self, path: str, scope: Any) -> Response:
        """The file, or 404."""
        response = await super().get_response(path, scope)
        version = parse_qs(scope["query_string"].decode("latin-1")).get("v", [""])[0]
        named = version and version == digest(Path(str(self.directory)) / path)
        response.headers["Cache-Control"] = _FOR_EVER if named else "no-cache"
        return response
