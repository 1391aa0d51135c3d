"""How arrivals on the phones become latencies and a rate."""

from deploy.bench.journey import Journey, latencies, steady_rate
from deploy.bench.load import Job, Outcome, requests
from deploy.sandbox.deliveries import Landing

MS = 1_000_000


def _landing(user: str, at_ns: int) -> Landing:
    return Landing(0, user, "push", at_ns, 0, None, "")


def test_a_members_messages_are_matched_in_order() -> None:
    outcome = Outcome(
        sent=[0, 1 * MS, 2 * MS, 3 * MS], statuses={}, took=1, cpu=0, answer_p50=0, answer_p99=0
    )
    landings = [_landing(user, at * MS) for user, at in (("b", 4), ("a", 7), ("a", 8), ("b", 9))]

    assert latencies(outcome, landings, ["a", "b"]) == [7, 3, 6, 6]


def test_who_was_refused_waits_for_nothing() -> None:
    outcome = Outcome(
        sent=[0, 1 * MS, 2 * MS],
        statuses={},
        took=1,
        cpu=0,
        answer_p50=0,
        answer_p99=0,
        refused=[0],
    )

    assert latencies(outcome, [_landing("a", 4 * MS), _landing("a", 6 * MS)], ["a"]) == [3, 4]


def test_percentiles_come_from_the_sorted_latencies() -> None:
    journey = Journey(1, [float(each) for each in range(1, 101)], {})

    assert journey.at(50) == 50
    assert journey.at(99) == 99


def test_the_rate_leaves_the_ramp_out() -> None:
    slow_start = [_landing("a", 0), *(_landing("a", 10_000 * MS + at * MS) for at in range(19))]

    assert steady_rate(slow_start) == 1000


def test_each_request_has_a_key_of_its_own_and_its_length() -> None:
    job = Job(
        host="h",
        port=1,
        path="/v1/purchases",
        api_key="k",
        cards=["1", "2"],
        posts=3,
        name="n",
        occurred_at="2026-01-05T12:00:00+09:00",
    )
    made = requests(job)

    first, second, third = next(made), next(made), next(made)

    head, _, content = first.partition(b"\r\n\r\n")
    assert b"Idempotency-Key: n-0" in head
    assert b"Content-Length: %d" % len(content) in head
    assert b'"card":"2"' in second
    assert third.partition(b"\r\n\r\n")[2] == content
