"""Commands that write the documents made from the code: `tamaru asyncapi|openapi`."""

from pathlib import Path
from typing import Annotated

import typer

from shared import asyncapi as events_document


def asyncapi(
    output: Annotated[Path | None, typer.Option(help="Write it here instead of printing.")] = None,
) -> None:
    """Print the AsyncAPI document of all events (committed as docs/asyncapi.json)."""
    _write(events_document.encoded(), output)


def openapi(
    output: Annotated[Path | None, typer.Option(help="Write it here instead of printing.")] = None,
) -> None:
    """Print the OpenAPI document of the whole API (committed in services/points/web)."""
    from deploy import openapi as http_document  # noqa: PLC0415  (it takes all services' pages along)

    _write(http_document.encoded(), output)


def _write(document: bytes, output: Path | None) -> None:
    if output is None:
        print(document.decode(), end="")
    else:
        output.write_bytes(document)
