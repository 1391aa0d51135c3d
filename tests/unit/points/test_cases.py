"""The tables of cases, run through the pure functions."""

from datetime import UTC, datetime

import pytest

from services.points.programs.rulebook import Edition
from services.points.purchases.judging import context_of
from services.points.purchases.quoting import newcomer
from services.points.rules.earn import check_purchase, compile_program, evaluate
from services.points.rules.program import CAMPAIGN, parse
from services.points.store.ledger import Account, Recent
from tests.cases.tables import Section, sections

SECTIONS = sections()


def test_the_tables_have_cases_enough() -> None:
    assert sum(len(section.cases) for section in SECTIONS) >= 120


@pytest.mark.parametrize("section", SECTIONS, ids=[section.name for section in SECTIONS])
def test_the_cases_of(section: Section) -> None:
    program = parse(section.document)
    edition = Edition(1, datetime(2025, 1, 1, tzinfo=UTC), program, compile_program(program))
    accounts: dict[str, Account] = {}
    recent: dict[str, list[Recent]] = {}
    budgets = dict.fromkeys([CAMPAIGN, *edition.compiled.budgets], 0)
    wrong = []
    for case in section.cases:
        purchase = case.purchase
        assert check_purchase(purchase) == []
        account = accounts.setdefault(case.member, newcomer())
        past = recent.setdefault(case.member, [])
        account.rank = case.rank
        account.birthday_month = int(case.birthday[:2]) if case.birthday else None
        context = context_of(account, edition, purchase.occurred_at, past, budgets)
        award = evaluate(edition.compiled, purchase, context)
        account.purchases += 1
        account.amount_spent += purchase.total
        account.remainder_numerator, account.remainder_denominator = award.remainder
        id = account.member_id
        past.append(Recent(id, purchase.occurred_at, award.visits, award.points))
        for name in budgets:
            budgets[name] += award.points
        found = (award.points, award.visits, award.explanation.get("missing"))
        wanted = (case.points, case.visits, case.missing)
        if any(want is not None and want != got for got, want in zip(found, wanted, strict=True)):
            wrong.append(f"row {case.row} ({case.because}): {found}, the table says {wanted}")
    assert wrong == []
