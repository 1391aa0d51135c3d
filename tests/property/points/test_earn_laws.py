"""Laws of accrual, whatever the rules and the receipt."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.points.rules.earn import (
    Award,
    Context,
    Discount,
    Line,
    Purchase,
    apportion,
    check_purchase,
    compile_program,
    evaluate,
    line_bases,
)
from services.points.rules.program import parse, to_document

MONDAY = datetime(2025, 4, 7, 3, 0, tzinfo=UTC)
AMOUNTS = st.integers(0, 100_000)
DECIMALS = st.integers(0, 50_000).map(lambda number: f"{number / 10_000:.4f}")
SKUS = st.sampled_from("ABC")
ROUNDINGS = st.sampled_from(["floor", "half_up", "ceil"])

spend = st.fixed_dictionaries(
    {"type": st.just("spend"), "per": st.integers(1, 1_000), "points": st.integers(0, 20)}
)
percent = st.fixed_dictionaries({"type": st.just("percent"), "percent": DECIMALS})
fixed = st.fixed_dictionaries({"type": st.just("fixed"), "points": st.integers(0, 200)})
product = st.fixed_dictionaries(
    {
        "type": st.just("product"),
        "points_per_unit": st.integers(0, 20),
        "skus": st.lists(SKUS, min_size=1, max_size=2),
    }
)
some_lines = st.fixed_dictionaries({}, optional={"when": st.builds(lambda s: {"skus": [s]}, SKUS)})


def with_ids(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**item, "id": str(index)} for index, item in enumerate(items)]


def some_rules(*kinds: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[Any]:
    one = st.builds(lambda rule, when: {**rule, **when}, st.one_of(*kinds), some_lines)
    return st.lists(one, max_size=most).map(with_ids)


multipliers = st.lists(
    st.builds(lambda factor, when: {"factor": factor, **when}, DECIMALS, some_lines), max_size=3
).map(with_ids)


@st.composite
def receipts(draw: st.DrawFn) -> Purchase:
    """Receipts with lines, a discount on the bill and one on a line, and any taxes."""
    lines = []
    for _ in range(draw(st.integers(1, 5))):
        amount = draw(AMOUNTS)
        lines.append(
            Line(
                sku=draw(SKUS),
                amount=amount,
                tax=draw(st.integers(0, amount)),
                quantity=draw(st.integers(1, 5)),
            )
        )
    on_line = draw(st.integers(0, lines[0].amount))
    whole = sum(line.amount for line in lines)
    on_bill = draw(st.integers(0, whole - on_line))
    total = whole - on_line - on_bill
    discounts = [Discount(amount=on_line, lines=[0]), Discount(amount=on_bill)]
    return Purchase(
        total=total,
        tax=draw(st.one_of(st.integers(0, total), st.just(total // 11))),
        occurred_at=MONDAY,
        lines=lines,
        discounts=discounts,
    )


def bought(total: int) -> Purchase:
    return Purchase(total=total, occurred_at=MONDAY)


def award(accrual: dict[str, Any], purchase: Purchase, context: Context | None = None) -> Award:
    ranks = {
        "levels": [
            {
                "code": "vip",
                "name": "VIP",
                "requires": {"visits": 1},
                "rate_bonus_percent": "1.25",
                "multiplier": "1.5",
            }
        ]
    }
    program = compile_program(parse({"accrual": accrual, "ranks": ranks}))
    return evaluate(program, purchase, context or Context())


def rounded(how: str, exact: Fraction) -> int:
    if how == "half_up":
        return floor(exact + Fraction(1, 2))
    return ceil(exact) if how == "ceil" else floor(exact)


def reference(accrual: dict[str, Any], purchase: Purchase, vip: bool) -> Fraction:
    """The design's rules said again, slowly: every line by itself, in fractions."""
    base = line_bases(purchase, accrual["base_amount"] == "tax_excluded")
    lines = purchase.lines

    def named(thing: dict[str, Any], line: Line) -> bool:
        return "when" not in thing or line.sku in thing["when"]["skus"]

    def scaled(shares: dict[int, Fraction]) -> Fraction:
        total = Fraction(0)
        for index, share in shares.items():
            factor = Fraction("1.5") if vip else Fraction(1)
            for multiplier in accrual["multipliers"]:
                if named(multiplier, lines[index]):
                    factor *= Fraction(multiplier["factor"])
            total += share * factor
        return total

    points = Fraction(sum(base)) * Fraction("1.25") / 100 if vip else Fraction(0)
    for rule in accrual["rules"]:
        seen = [index for index, line in enumerate(lines) if named(rule, line)]
        amount = sum(base[index] for index in seen)
        if rule["type"] == "fixed":
            points += rule["points"] if amount else 0
        elif rule["type"] == "product":
            each = rule["points_per_unit"]
            units = {i: lines[i].quantity for i in seen if lines[i].sku in rule["skus"]}
            points += scaled({i: Fraction(units[i] * each) for i in units})
        elif amount:
            whole = (
                Fraction(amount // rule["per"] * rule["points"])
                if rule["type"] == "spend"
                else Fraction(amount) * Fraction(rule["percent"]) / 100
            )
            points += scaled({i: whole * base[i] / amount for i in seen})
    return points


@settings(max_examples=300, deadline=None)
@given(
    rules=some_rules(spend, percent, fixed, product),
    multipliers=multipliers,
    purchase=receipts(),
    rounding=ROUNDINGS,
    base_amount=st.sampled_from(["tax_included", "tax_excluded"]),
    vip=st.booleans(),
)
def test_the_points_are_the_exact_sum_rounded_once(
    rules: list[dict[str, Any]],
    multipliers: list[dict[str, Any]],
    purchase: Purchase,
    rounding: str,
    base_amount: str,
    vip: bool,
) -> None:
    accrual = {
        "rules": rules,
        "multipliers": multipliers,
        "rounding": rounding,
        "base_amount": base_amount,
    }
    result = award(accrual, purchase, Context(rank="vip" if vip else None))
    assert result.points == rounded(rounding, reference(accrual, purchase, vip))
    assert msgspec.json.decode(msgspec.json.encode(result.explanation)) == result.explanation


@settings(max_examples=150, deadline=None)
@given(
    rules=some_rules(spend, percent, fixed),
    factors=st.lists(DECIMALS, max_size=2),
    amount=AMOUNTS,
    more=st.lists(st.integers(0, 300), min_size=1, max_size=6),
    rounding=ROUNDINGS,
    cap=st.none() | st.integers(0, 100),
)
def test_spending_more_never_earns_less(
    rules: list[dict[str, Any]],
    factors: list[str],
    amount: int,
    more: list[int],
    rounding: str,
    cap: int | None,
) -> None:
    rules = [{key: value for key, value in rule.items() if key != "when"} for rule in rules]
    accrual = {
        "rules": rules,
        "multipliers": with_ids([{"factor": factor} for factor in factors]),
        "rounding": rounding,
        "caps": [] if cap is None else [{"per": "purchase", "points": cap}],
    }
    amounts = sorted([amount, *(amount + each for each in more)])
    points = [award(accrual, bought(each)).points for each in amounts]
    assert all(less <= more for less, more in pairwise(points))


@settings(max_examples=150, deadline=None)
@given(
    rules=some_rules(spend, percent, fixed, product),
    multipliers=multipliers,
    purchase=receipts(),
    rounding=ROUNDINGS,
    carry=st.booleans(),
    caps=st.tuples(*[st.integers(0, 300)] * 4),
    given_before=st.tuples(*[st.integers(0, 300)] * 3),
)
def test_no_cap_is_ever_exceeded(
    rules: list[dict[str, Any]],
    multipliers: list[dict[str, Any]],
    purchase: Purchase,
    rounding: str,
    carry: bool,
    caps: tuple[int, ...],
    given_before: tuple[int, ...],
) -> None:
    kinds = ("purchase", "day", "month", "campaign")
    accrual = {
        "rules": rules,
        "multipliers": multipliers,
        "rounding": rounding,
        "carry_remainder": carry,
        "caps": [{"per": kind, "points": points} for kind, points in zip(kinds, caps, strict=True)],
    }
    context = Context(
        given_today=given_before[0],
        given_month=given_before[1],
        given_campaign=given_before[2],
        remainder=(9, 10),
        rank="vip",
    )
    result = award(accrual, purchase, context)
    for cap, before in zip(caps, (0, *given_before), strict=True):
        assert 0 <= result.points <= max(cap - before, 0)


@settings(max_examples=150, deadline=None)
@given(
    amount=AMOUNTS,
    per=st.integers(1, 1_000),
    points=st.lists(st.integers(0, 20), min_size=1, max_size=4),
    percents=st.lists(st.integers(0, 50_000), min_size=1, max_size=4),
    rounding=ROUNDINGS,
)
def test_a_rule_may_be_split_into_stackable_parts(
    amount: int, per: int, points: list[int], percents: list[int], rounding: str
) -> None:
    def rules(points: list[int], percents: list[int]) -> list[dict[str, Any]]:
        steps = [{"type": "spend", "per": per, "points": each} for each in points]
        rates = [{"type": "percent", "percent": f"{each / 10_000:.4f}"} for each in percents]
        return with_ids([*steps, *rates])

    split = {"rules": rules(points, percents), "rounding": rounding}
    merged = {"rules": rules([sum(points)], [sum(percents)]), "rounding": rounding}
    assert award(split, bought(amount)).points == award(merged, bought(amount)).points


@settings(max_examples=100, deadline=None)
@given(
    per=st.integers(1, 1_000),
    percent=DECIMALS,
    factor=DECIMALS,
    amounts=st.lists(st.integers(0, 3_000), max_size=8),
    rounding=ROUNDINGS,
)
def test_with_carrying_nothing_is_lost_over_time(
    per: int, percent: str, factor: str, amounts: list[int], rounding: str
) -> None:
    rules: list[dict[str, Any]] = [
        {"type": "spend", "per": per, "points": 1},
        {"type": "percent", "percent": percent},
    ]
    accrual = {
        "rules": with_ids(rules),
        "multipliers": with_ids([{"factor": factor}]),
        "carry_remainder": True,
        "rounding": rounding,
    }
    remainder, given_so_far = (0, 1), 0
    for amount in amounts:
        result = award(accrual, bought(amount), Context(remainder=remainder))
        given_so_far, remainder = given_so_far + result.points, result.remainder
        assert result.points >= 0
    rate = (Fraction(1, per) + Fraction(percent) / 100) * Fraction(factor)
    assert given_so_far == rounded(rounding, sum(amounts) * rate)
    assert given_so_far + Fraction(*remainder) == sum(amounts) * rate


@settings(max_examples=150, deadline=None)
@given(
    per=st.integers(1, 500),
    percent=DECIMALS,
    factor=DECIMALS,
    rounding=ROUNDINGS,
    minimum=st.sampled_from([0, 300]),
    vip=st.booleans(),
    amount=AMOUNTS,
)
def test_what_is_missing_gives_the_next_point_and_a_yen_less_does_not(
    per: int, percent: str, factor: str, rounding: str, minimum: int, vip: bool, amount: int
) -> None:
    accrual = {
        "rules": with_ids(
            [
                {"type": "spend", "per": per, "points": 1},
                {"type": "percent", "percent": percent},
                {"type": "fixed", "points": 3, "when": {"skus": ["A"]}},
            ]
        ),
        "multipliers": with_ids([{"factor": factor}, {"factor": "3", "when": {"skus": ["A"]}}]),
        "carry_remainder": True,
        "rounding": rounding,
        "minimum_spend": minimum,
    }
    rank = "vip" if vip else None
    first = award(accrual, bought(amount), Context(rank=rank))
    missing = first.explanation.get("missing")
    if missing is None:
        return
    then = Context(rank=rank, remainder=first.remainder)
    assert award(accrual, bought(missing), then).points >= 1
    assert missing == 1 or award(accrual, bought(missing - 1), then).points == 0


@settings(max_examples=200, deadline=None)
@given(purchase=receipts())
def test_the_lines_give_the_bill_to_the_unit(purchase: Purchase) -> None:
    assert check_purchase(purchase) == []
    assert sum(line_bases(purchase, tax_excluded=False)) == purchase.total
    assert sum(line_bases(purchase, tax_excluded=True)) == purchase.total - purchase.tax
    assert min(line_bases(purchase, tax_excluded=True)) >= 0


@settings(max_examples=200, deadline=None)
@given(
    total=st.integers(0, 10**9),
    weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any),
)
def test_shares_sum_to_the_whole_and_are_fair(total: int, weights: list[int]) -> None:
    shares = apportion(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(total * weight, sum(weights))) < 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["accrual", "rules", "id", "type", "when", "ranks", "levels"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(document=json_values)
@example(document="{}")
def test_any_document_is_either_kept_as_it_is_or_refused_with_reasons(document: Any) -> None:
    try:
        program = parse(document)
    except ValueError as error:
        assert all(problem.message for problem in getattr(error, "problems", ()))
        assert getattr(error, "problems", ())
    else:
        assert to_document(program) is document
