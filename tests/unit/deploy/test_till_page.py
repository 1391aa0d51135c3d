"""docs/till.md: its examples are purchases that webhook takes."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.webhook import purchases

PAGE = (Path(__file__).parents[3] / "docs" / "till.md").read_text()
NOW = datetime(2026, 4, 2, tzinfo=UTC)


def examples() -> list[str]:
    """The body of the single purchase and each line of the batch."""
    single = re.findall(r"-d '(\{.*?\})'", PAGE, re.DOTALL)
    return [*single, *re.findall(r'^\{"idempotency_key".*\}$', PAGE, re.MULTILINE)]


def test_there_are_three() -> None:
    assert len(examples()) == 3


@pytest.mark.parametrize("body", examples())
def test_webhook_takes_it(body: str) -> None:
    checked = purchases.read(body.encode(), NOW)
    assert checked.purchase.total == json.loads(body)["total"]


def test_keys_are_such_as_webhook_takes() -> None:
    keys = re.findall(r'(?:Idempotency-Key: |"idempotency_key": ")([^"]+)"', PAGE)
    assert len(set(keys)) == 3
    assert [purchases.require_key(key, "key") for key in keys] == keys
