"""The OpenAPI description is valid, complete and made from what is decoded."""

from typing import Any

import jsonschema
import pytest
from fastapi import FastAPI
from openapi_spec_validator import validate

from services.webhook import documentation
from services.webhook.app import INPUT


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return documentation.complete(FastAPI(title="t", version="1").openapi())


def test_it_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_each_input_and_its_problems_are_described(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == set(INPUT)
    for path in document["paths"].values():
        statuses = set(path["post"]["responses"])
        assert {"400", "401", "413", "503"} <= statuses
        for status, response in path["post"]["responses"].items():
            assert status < "400" or "application/problem+json" in response["content"]
    assert (
        "Retry-After" in document["paths"]["/v1/purchases"]["post"]["responses"]["503"]["headers"]
    )


@pytest.mark.parametrize(
    ("schema", "value", "good"),
    [
        ("Purchase", {"store": "m", "member": {"card": "1"}, "total": 1}, False),
        (
            "Purchase",
            {"store": "m", "member": {}, "total": 1, "occurred_at": "2026-01-01T00:00:00Z"},
            True,
        ),
        (
            "BatchedPurchase",
            {"store": "m", "member": {}, "total": 1, "occurred_at": "2026-01-01T00:00:00Z"},
            False,
        ),
        ("Accepted", {"id": "00000000-0000-0000-0000-000000000000", "status": "accepted"}, True),
    ],
)
def test_its_schemas_judge_as_the_decoder_does(
    document: dict[str, Any], schema: str, value: Any, good: bool
) -> None:
    validator = jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    )
    assert validator.is_valid(value) == good
