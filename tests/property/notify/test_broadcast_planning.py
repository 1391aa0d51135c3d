"""Laws of planning: each recipient is in exactly one call, of their language, of at most 500."""

import re
from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.notify.broadcasts import planning
from services.notify.broadcasts.planning import MOST_RECIPIENTS, Candidate

candidates = st.lists(
    st.tuples(st.sampled_from(("ja", "en", "ko")), st.sampled_from((None, None, None, "blocked"))),
    max_size=1600,
).map(lambda each: [Candidate(a, f"U{n:032x}", b) for n, (a, b) in enumerate(each)])
languages = st.sampled_from((["ja"], ["ja", "en"]))


@given(st.uuids(), candidates, languages)
def test_everybody_who_is_not_left_out_is_in_one_call_of_their_language(
    id: UUID, people: list[Candidate], spoken: list[str]
) -> None:
    found = planning.chunks(id, 7, people, spoken)
    language_of = {each.line_user_id: each.language for each in people}
    in_calls = Counter(user for chunk in found for user in chunk.line_user_ids)
    assert in_calls == Counter(each.line_user_id for each in people if each.left_out is None)
    for chunk in found:
        assert 1 <= len(chunk.line_user_ids) <= MOST_RECIPIENTS
        assert {planning.spoken_to(language_of[user], spoken) for user in chunk.line_user_ids} == {
            chunk.language
        }


@given(st.uuids(), candidates, languages)
def test_the_same_people_give_the_same_calls_under_numbers_of_their_own(
    id: UUID, people: list[Candidate], spoken: list[str]
) -> None:
    once, again = (planning.chunks(id, 0, people, spoken) for _ in range(2))
    assert once == again
    assert [chunk.number for chunk in once] == list(range(len(once)))
    later = planning.chunks(id, len(once), people, spoken)
    assert not {chunk.id for chunk in once} & {chunk.id for chunk in later}


@given(candidates, languages)
def test_as_many_calls_as_were_told_where_all_are_planned_at_once(
    people: list[Candidate], spoken: list[str]
) -> None:
    counts = Counter(each.language for each in people if each.left_out is None)
    told = planning.calls_needed(dict(counts), spoken, personal=False)
    assert told == len(planning.chunks(UUID(int=1), 0, people, spoken))
    assert planning.calls_needed(dict(counts), spoken, personal=True) == counts.total()


@given(st.uuids(), st.uuids())
def test_a_broadcast_has_a_name_of_its_own_that_line_takes(one: UUID, other: UUID) -> None:
    name = planning.unit_of(one)
    assert re.fullmatch(r"[a-zA-Z0-9_]{1,30}", name)
    assert (name == planning.unit_of(other)) is (one == other)
