"""How a segment's document is read: what it says, and all that is wrong with it at once."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.points.segments import conditions as c
from services.points.segments.definition import (
    MOST_BYTES,
    MOST_CONDITIONS,
    MOST_DEPTH,
    DefinitionInvalid,
    parse,
    read,
)
from services.points.segments.presets import PRESETS


def problems(document: Any) -> list[str]:
    """Where something is wrong."""
    with pytest.raises(DefinitionInvalid) as caught:
        parse(document)
    assert all(each.ja and each.en for each in caught.value.problems)
    return [each.path for each in caught.value.problems]


def test_a_whole_document() -> None:
    document = {
        "all": [
            {"points": {"min": 1000}},
            {"not": {"any": [{"rank": {"in": ["gold", None]}}, {"line": "blocked"}]}},
            {"next_rank": {"within": {"points": 50, "spent": 3000}}},
        ]
    }
    assert parse(document) == c.All(
        (
            c.Points(1000),
            c.Not(c.Either((c.Rank(("gold", None)), c.Line("blocked")))),
            c.NextRank({"points_earned": 50, "amount_spent": 3000}),
        )
    )
    assert parse({"all": True}) == c.Everybody()


def test_everything_that_is_wrong_is_told_at_once() -> None:
    document = {
        "all": [
            {"points": {"min": "1", "mx": 2}},
            {"points": {"min": 5, "max": 4}},
            {"visits": {"days": 0}},
            {"any": []},
            {"moon": "full"},
            {"not": {"age": {"min": 151}}},
            {"points": {"min": 1}, "age": {"min": 20}},
            {"bought": {"days": 3}},
            {"birthday_month": 13},
            {"expiring": {"min": 3}},
        ]
    }
    assert problems(document) == [
        "all[0].points.min",
        "all[0].points.mx",
        "all[1].points.max",
        "all[2].visits.days",
        "all[2].visits",
        "all[3].any",
        "all[4].moon",
        "all[5].not.age.min",
        "all[6]",
        "all[7].bought",
        "all[8].birthday_month",
        "all[9].expiring",
    ]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "all",
        {},
        {"all": False},
        {"all": {}},
        {"points": {}},
        {"points": {"min": True}},
        {"points": {"min": 1.0}},
        {"points": {"min": 10**10}},
        {"rank": {"in": []}},
        {"rank": {"in": [""]}},
        {"rank": {"in": ["a\0b"]}},
        {"rank": {"in": ["\ud800"]}},
        {"rank": {"in": ["x" * 201]}},
        {"rank": {"in": ["gold"] * 101}},
        {"next_rank": {"within": {}}},
        {"next_rank": {"within": {"karma": 1}}},
        {"next_rank": {"within": {"points": -1}}},
        {"next_rank": {"progress": 0}},
        {"last_visit": {"never": False}},
        {"birthday_month": True},
        {"line": "maybe"},
        {"line": ["linked"]},
        {"member": "nobody"},
        {"member": 3},
        {"\ud800": 1},
        {"x" * 10_000: 1},
        {"tags": {"any": [["a"]]}},
    ],
)
def test_what_is_refused(document: Any) -> None:
    for path in problems(document):
        path.encode()
        assert len(path) < 100


def nested(depth: int) -> Any:
    document: Any = {"points": {"min": 1}}
    for _ in range(depth - 1):
        document = {"not": document}
    return document


def test_limits() -> None:
    parse(nested(MOST_DEPTH))
    assert problems(nested(MOST_DEPTH + 1))
    point = {"points": {"min": 1}}
    parse({"all": [point] * MOST_CONDITIONS})
    assert problems({"all": [point] * (MOST_CONDITIONS + 1)}) == ["all"]
    assert problems({"all": [{"any": [point] * 26}, {"any": [point] * 25}]}) == [""]
    with pytest.raises(DefinitionInvalid):
        read(json.dumps({"rank": {"in": ["あ" * 200] * 34}}))
    with pytest.raises(DefinitionInvalid):
        read(b'{"all":true}' + b" " * MOST_BYTES)
    bombs = [b"[" * 15_000, b'{"not":' * 2_000, b"\xff", b'{"all":true', b'{"a":1e999}']
    for bomb in bombs:
        with pytest.raises(DefinitionInvalid):
            read(bomb)
    assert len(problems({"any": [{"any": [{"x": 1}] * 50}] * 50})) == 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "points", "min", "in", "rank", "member", "tags"])
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_nothing_but_problems_comes_of_nonsense(document: Any) -> None:
    try:
        parse(document)
    except DefinitionInvalid as invalid:
        assert invalid.problems


def test_presets_are_definitions() -> None:
    assert all(parse(preset.definition) for preset in PRESETS.values())
    assert [code for code in PRESETS if not PRESETS[code].name.ja] == []
