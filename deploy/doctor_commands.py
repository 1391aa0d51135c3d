"""`tamaru doctor`: what is wrong with this installation, and what to do about it."""

import asyncio
import json
import logging
from typing import Annotated

import structlog
import typer

from deploy.doctor import findings
from deploy.doctor.examination import examine
from deploy.doctor.surroundings import surroundings


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say in plain words what is wrong and what to do; exit 0 when nothing is. Changes nothing."""
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent, cache_logger_on_first_use=False)
    logging.disable(logging.CRITICAL)
    try:
        found = asyncio.run(examine(surroundings()))
    finally:
        logging.disable(logging.NOTSET)
        structlog.reset_defaults()
    if as_json:
        print(json.dumps(findings.document(found), ensure_ascii=False, indent=2))
    else:
        print(findings.text(found))
    raise typer.Exit(0 if findings.is_well(found) else 1)
