"""The committed OpenAPI document is what the code says, valid, and covers the whole contract."""

from functools import cache
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from deploy import openapi
from services.points.web.documents import OPENAPI

CONTRACT = {
    ("/v1/purchases", "post"),
    ("/v1/purchases/batch", "post"),
    ("/v1/purchases/{purchase_id}", "get"),
    ("/v1/purchases/{purchase_id}/refunds", "post"),
    ("/v1/quotes", "post"),
    ("/v1/redemptions", "post"),
    ("/v1/redemptions/{redemption_id}/capture", "post"),
    ("/v1/redemptions/{redemption_id}/void", "post"),
    ("/v1/members", "post"),
    ("/v1/members", "get"),
    ("/v1/members/lookup", "get"),
    ("/v1/members/{member_id}", "get"),
    ("/v1/members/{member_id}/entries", "get"),
    ("/v1/members/{member_id}/adjustments", "post"),
    ("/v1/program", "get"),
    ("/v1/program", "put"),
    ("/v1/program/versions", "get"),
    ("/line/webhook", "post"),
}


@cache
def document() -> Any:
    """The document, decoded; it takes seconds to make."""
    return msgspec.json.decode(openapi.encoded())


def test_the_committed_document_is_current() -> None:
    current = openapi.encoded()
    assert OPENAPI.read_bytes() == current, (
        "run: tamaru openapi --output services/points/web/openapi.json"
    )


def test_it_is_a_valid_openapi_document() -> None:
    validate(document())


@pytest.mark.parametrize(("path", "method"), sorted(CONTRACT))
def test_each_call_of_the_contract_is_described(path: str, method: str) -> None:
    operation = document()["paths"][path][method]
    assert operation.get("description") or operation.get("summary")
    assert operation["responses"]
