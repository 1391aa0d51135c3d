"""The one OpenAPI document of the edge: what each service documents of itself, put together."""

from typing import Any

import msgspec

from services.notify.web import app as notify
from services.points.web import app as points
from services.scheduler.web import app as scheduler
from services.webhook import app as webhook

TITLE = "Tamaru"
VERSION = "1"
_INSIDE = ("/healthz", "/readyz", "/metrics")


def document() -> dict[str, Any]:
    """The union; raises ValueError when two services claim a path or mean different things."""
    whole: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "license": {"name": "Apache-2.0"}},
        "paths": {},
        "components": {},
    }
    for service in (webhook, points, notify, scheduler):
        part = service.documented().openapi()
        for path, operations in part["paths"].items():
            if path not in _INSIDE:
                _merge(whole["paths"].setdefault(path, {}), operations, path)
        for kind, named in part.get("components", {}).items():
            _merge(whole["components"].setdefault(kind, {}), named, kind)
    return whole


def encoded() -> bytes:
    """The document as it is committed."""
    return msgspec.json.format(msgspec.json.encode(document(), order="sorted"), indent=2) + b"\n"


def _merge(into: dict[str, Any], part: dict[str, Any], where: str) -> None:
    for name, value in part.items():
        if name in into and into[name] != value:
            raise ValueError(f"two services say different things of {where} {name}")
        into[name] = value
