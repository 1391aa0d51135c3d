"""Who may do what: the table, what it must never allow, and the page that shows it."""

from pathlib import Path

import pytest

from shared.web import roles
from shared.web.roles import ANY, CHANGES, ROLES, RULES, SAFE, refusal

PAGE = Path(__file__).parents[4] / "docs" / "roles.md"
NAMES = {SAFE: "GET", CHANGES: "changes", ANY: "all", (*SAFE, "POST"): "GET, POST"}


def table() -> str:
    """The table of the page."""
    lines = ["| what | calls | " + " | ".join(ROLES) + " | all stores |", "|---" * 7 + "|"]
    for rule in RULES:
        methods = NAMES.get(rule.methods, ", ".join(rule.methods))
        where = ", ".join(f"`{path}`" for path in rule.paths)
        marks = " | ".join("✓" if role in rule.roles else "" for role in ROLES)
        whole = "✓" if rule.whole else ""
        lines.append(f"| {rule.en}<br>{rule.ja} | {methods} {where} | {marks} | {whole} |")
    return "\n".join(lines)


def test_the_page_shows_the_table() -> None:
    _, mark, rest = PAGE.read_text().partition("<!-- table -->\n\n")
    shown = rest.split("\n\n## ")[0]
    assert mark and shown == table(), f"put this there:\n{table()}"


@pytest.mark.parametrize("method", CHANGES)
def test_a_viewer_changes_nothing_but_the_own_account(method: str) -> None:
    paths = {path for rule in RULES for path in rule.paths if "viewer" in rule.roles}
    allowed = {path for path in paths if refusal("viewer", False, method, path) is None}
    checks = {path for rule in RULES if rule.en.startswith("checks") for path in rule.paths}
    assert allowed <= {"/v1/account", "/v1/account/*", "/v1/quotes"} | checks | SEEN


SEEN = {
    "/v1/members/lookup",
    "/v1/members/{member_id}/entries",
    "/v1/members/{member_id}/rank-floor",
    "/v1/purchases/{purchase_id}",
    "/v1/redemptions/{redemption_id}",
}
"""What can only be looked at: no route changes anything there by POST."""


@pytest.mark.parametrize(
    ("role", "limited", "method", "path", "why"),
    [
        ("owner", False, "PATCH", "/v1/staff/{staff_id}", None),
        ("manager", False, "GET", "/v1/staff", "role"),
        ("manager", False, "PATCH", "/v1/staff/{staff_id}", "role"),
        ("staff", False, "POST", "/v1/staff/invitations", "role"),
        ("viewer", False, "GET", "/v1/staff", "role"),
        ("manager", False, "POST", "/v1/webhooks", "role"),
        ("manager", False, "PUT", "/v1/terminals/{terminal_id}", "role"),
        ("manager", False, "POST", "/v1/imports", "role"),
        ("manager", False, "POST", "/v1/exports", "role"),
        ("manager", False, "PUT", "/v1/program", None),
        ("manager", True, "PUT", "/v1/program", "stores"),
        ("manager", True, "POST", "/v1/members/{member_id}/erasure", "stores"),
        ("manager", True, "POST", "/v1/members/{member_id}/adjustments", None),
        ("staff", False, "POST", "/v1/members/{member_id}/adjustments", "role"),
        ("staff", True, "POST", "/v1/redemptions", None),
        ("staff", False, "GET", "/v1/members", "role"),
        ("staff", False, "GET", "/v1/members/{member_id}", None),
        ("staff", False, "GET", "/v1/audit", "role"),
        ("viewer", False, "GET", "/v1/audit", "role"),
        ("viewer", False, "GET", "/v1/members", None),
        ("viewer", False, "POST", "/v1/redemptions", "role"),
        ("viewer", False, "POST", "/v1/segments/count", None),
        ("viewer", False, "PUT", "/v1/segments/{code}", "role"),
        ("staff", False, "GET", "/v1/something/new", "role"),
        ("viewer", False, "DELETE", "/v1/something/new", "role"),
        ("nobody", False, "GET", "/v1/program", "role"),
    ],
)
def test_what_matters_most(role: str, limited: bool, method: str, path: str, why: str) -> None:
    assert refusal(role, limited, method, path) == why


@pytest.mark.parametrize("method", ANY)
@pytest.mark.parametrize("path", ["/v1/x", "/v1/members", "/v1/staff/{staff_id}"])
def test_an_owner_may_do_everything(method: str, path: str) -> None:
    assert refusal("owner", False, method, path) is None
    assert roles.rule_for(method, "/elsewhere") is None
