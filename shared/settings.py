"""Settings come from the environment only, are read once at start and passed down.

A missing setting stops the start with its name. Secrets have no defaults and are never printed.
"""

import sys
from typing import TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.keys import Keys


class ProcessSettings(BaseSettings):
    """What every process needs. URLs carry credentials, so they are secrets."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    database_url: SecretStr
    amqp_url: SecretStr
    bus_namespace: str = "tamaru"
    http_host: str = "0.0.0.0"  # noqa: S104 - inside a container; the local start sets loopback
    http_port: int = 8080
    log_level: str = "INFO"
    log_format: str = "json"
    # Traces: read by OpenTelemetry itself, here only so that they are known.
    otel_exporter_otlp_endpoint: str = ""
    otel_traces_sampler: str = ""
    otel_traces_sampler_arg: str = ""


def keys(key: SecretStr, old: SecretStr | None) -> Keys[str]:
    """The settings `<NAME>` and `<NAME>_OLD`: an empty old one is none."""
    return Keys(key.get_secret_value(), (old.get_secret_value() if old else "") or None)


def byte_keys(key: SecretStr, old: SecretStr | None) -> Keys[bytes]:
    """The same, as bytes."""
    text = keys(key, old)
    return Keys(text.new.encode(), None if text.old is None else text.old.encode())


Settings = TypeVar("Settings", bound=BaseSettings)


def load(settings: type[Settings]) -> Settings:
    """Read the environment, or end the process naming every setting that is missing or wrong."""
    try:
        return settings()
    except ValidationError as problem:
        for error in problem.errors():
            name = "_".join(str(part) for part in error["loc"]).upper()
            print(f"setting {name}: {error['msg']}", file=sys.stderr)
        print("Set them in the environment; .env.example explains each.", file=sys.stderr)
        raise SystemExit(2) from None
