"""Variables of the environment, for commands; a local start's own are found by themselves."""

import os
import sys
from pathlib import Path

import typer

LOCAL = Path(".local/env")


def required(name: str) -> str:
    """A variable of the environment, else of the local start here, else the end with its name."""
    value = os.environ.get(name) or local().get(name)
    if not value:
        print(f"setting {name}: required; .env.example explains it", file=sys.stderr)
        raise typer.Exit(2)
    return value


def optional(name: str, otherwise: str) -> str:
    """The same, with a value for when it is nowhere."""
    return os.environ.get(name) or local().get(name) or otherwise


def local() -> dict[str, str]:
    """What the local start here says of itself; empty without one."""
    if not LOCAL.is_file():
        return {}
    lines = LOCAL.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
