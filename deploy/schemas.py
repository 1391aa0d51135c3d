"""The schemas of all services, for commands that see the whole database."""

from importlib import resources
from pathlib import Path

from deploy.environment import required
from shared.migrate import ServiceSchema

SERVICES = ("webhook", "points", "notify", "scheduler")


def migrations_of(name: str) -> Path:
    """Where the migrations of a service stand."""
    return Path(str(resources.files(f"services.{name}") / "migrations"))


def schemas() -> list[ServiceSchema]:
    """Each service's schema, with the password of its role from the environment."""
    return [
        ServiceSchema(name, migrations_of(name), required(f"{name.upper()}_DB_PASSWORD"))
        for name in SERVICES
    ]
