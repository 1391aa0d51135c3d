"""A queue or an event type that nobody delivers twice and out of order in a test is found here."""

from shared.bus.topology import SUBSCRIPTIONS
from tests.integration.contracts.all_cases import CASES


def test_every_subscription_has_a_case_in_the_test_of_repeats_and_disorder() -> None:
    tested = {(case.purpose, name) for case in CASES for name in case.types}
    subscribed = {(purpose, name) for purpose, names in SUBSCRIPTIONS.items() for name in names}
    hint = "add it to the cases in tests/integration/contracts"
    assert sorted(subscribed - tested) == [], hint
    assert sorted(tested - subscribed) == []


def test_a_queue_has_one_case() -> None:
    assert sorted(case.purpose for case in CASES) == sorted({case.purpose for case in CASES})
