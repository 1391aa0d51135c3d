"""docs/till.md: its examples are such as the API takes."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from services.points.web.profiles import MemberPatch, Replacement
from services.points.web.quotes import QuoteRequest
from services.points.web.redemptions import Captured, NewRedemption
from services.points.web.refunds import NewRefund
from services.points.web.schemas import NewMember
from services.points.web.service import ServicePoints
from services.webhook import purchases

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "till.md").read_text()
NOW = datetime(2026, 4, 2, tzinfo=UTC)
TAKEN_BY: dict[str, type[BaseModel]] = {
    "/members": NewMember,
    "/$MEMBER": MemberPatch,
    "/card": Replacement,
    "/quotes": QuoteRequest,
    "/redemptions": NewRedemption,
    "/capture": Captured,
    "/refunds": NewRefund,
    "/service-points": ServicePoints,
}
"""The end of an address → what points' API takes there."""

ADDRESS = r"""\$BASE/v1(?:/[\w$-]+)*?(/[\w$-]+)\""""
BODY = r"(?:-d '(\{.*?\})'|-d @- <<END.*?\n(.*?)\nEND)"
CALL = re.compile(ADDRESS + "[^<]*?" + BODY, re.DOTALL)


SERVED_TO_TILLS = (
    *("app", "links", "members", "naming", "profiles", "purchases", "quotes"),
    *("redemptions", "refunds", "requests", "service"),
)
NOT_FOR_TILLS = {
    *("no-points", "out-of-date", "wrong-signature"),
    *("all-stores", "csrf", "in-person", "no-store", "role", "session-expired"),
}
"""What owners, LINE and people who are signed in are told by the same modules."""


def refusals() -> set[str]:
    """The types of all problems that a till may be told."""
    points = ROOT / "services" / "points"
    files = [points / "web" / f"{name}.py" for name in SERVED_TO_TILLS]
    files += [points / "purchases" / "redeeming.py"]
    files += [points / "rules" / f"{name}.py" for name in ("redemption", "refunds")]
    files += [ROOT / "shared" / "problems.py", *(ROOT / "shared" / "web").glob("*.py")]
    files += [*(ROOT / "services" / "webhook").glob("*.py")]
    raised = r'(?:Problem|Refusal|NotSpendable|NotRefundable)\(\s*(?:\d+,\s*)?"([a-z-]+)"'
    return {found for file in files for found in re.findall(raised, file.read_text())}


def calls() -> list[tuple[str, str]]:
    """The end of the address and the body of each call of one thing."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    each = [call for block in blocks for call in re.split(r"(?=\bcurl )", block)]
    found = [match for call in each if (match := CALL.search(call))]
    return [(match[1], match[2] or match[3]) for match in found]


def sold() -> list[str]:
    """The bodies of purchases: single ones, and each line of the batch."""
    batch = re.findall(r'^\{"idempotency_key".*\}$', PAGE, re.MULTILINE)
    return [body for end, body in calls() if end == "/purchases"] + batch


def test_every_kind_of_call_has_an_example() -> None:
    assert {end for end, _ in calls()} == {"/purchases", *TAKEN_BY}
    assert len(sold()) == 4


@pytest.mark.parametrize("body", sold())
def test_webhook_takes_it(body: str) -> None:
    checked = purchases.read(body.encode(), NOW)
    assert checked.purchase.total == json.loads(body)["total"]


@pytest.mark.parametrize(("end", "body"), [each for each in calls() if each[0] in TAKEN_BY])
def test_points_takes_it(end: str, body: str) -> None:
    model = TAKEN_BY[end].model_validate_json(body)
    assert model.model_fields_set == set(json.loads(body))


def test_keys_are_such_as_webhook_takes() -> None:
    keys = re.findall(r'(?:Idempotency-Key: |"idempotency_key": ")([^"]+)"', PAGE)
    assert len(set(keys)) == len(keys) >= len(calls()) - 1, (
        "all but the quote have one of their own"
    )
    assert [purchases.require_key(key, "key") for key in keys] == keys


def test_every_problem_is_in_the_table() -> None:
    table = PAGE[PAGE.index("## Errors") :]
    told = set(re.findall(r"`([a-z-]+)`", table))
    assert refusals() - told - NOT_FOR_TILLS == set()
