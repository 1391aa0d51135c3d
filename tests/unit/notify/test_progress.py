"""What follows from each outcome."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.notify.sending import progress
from services.notify.sending.deliveries import Delivery
from services.notify.sending.outcomes import Answer, Outcome

NOW = datetime(2026, 1, 31, 14, 59, 59, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")
EARLIER = NOW - timedelta(hours=1)


def delivery(**changes) -> Delivery:
    values = {
        "line_user_id": "U1",
        "event_id": UUID(int=1),
        "id": UUID(int=2),
        "kind": "earned",
        "messages": "[]",
        "lease_until": NOW + timedelta(seconds=30),
    }
    return Delivery(**{**values, **changes})


def pushed(outcome: Outcome, **changes):
    return progress.after_push(delivery(**changes), Answer(outcome, "words"), NOW, 1.0, TOKYO)


def replied(outcome: Outcome, **changes):
    return progress.after_reply(delivery(**changes), Answer(outcome), NOW, 1.0)


@pytest.mark.parametrize("tries", range(1, 30))
def test_the_delay_grows_from_half_a_second_to_five_minutes(tries):
    longest, shortest = progress.delay(tries, 1.0), progress.delay(tries, 0.0)
    assert longest == min(timedelta(seconds=0.5 * 2 ** (tries - 1)), timedelta(minutes=5))
    assert shortest == longest / 2


@pytest.mark.parametrize(
    ("now", "turn"),
    [
        (NOW, datetime(2026, 1, 31, 15, tzinfo=UTC)),
        (NOW + timedelta(seconds=1), datetime(2026, 2, 28, 15, tzinfo=UTC)),
        (datetime(2026, 12, 31, 14, 0, tzinfo=UTC), datetime(2026, 12, 31, 15, tzinfo=UTC)),
        (datetime(2026, 12, 31, 15, 0, tzinfo=UTC), datetime(2027, 1, 31, 15, tzinfo=UTC)),
        (datetime(2028, 2, 10, tzinfo=UTC), datetime(2028, 2, 29, 15, tzinfo=UTC)),
    ],
)
def test_the_month_turns_in_the_programs_time_zone(now, turn):
    assert progress.month_turn(now, TOKYO) == turn


def test_the_month_turns_at_local_midnight_where_clocks_change():
    turn = progress.month_turn(datetime(2026, 3, 15, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    assert turn.astimezone(UTC) == datetime(2026, 3, 31, 22, tzinfo=UTC)


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.ALREADY_DELIVERED])
def test_delivered_is_over(outcome):
    record = pushed(outcome)
    assert (record.status, record.due_at, record.finished_at) == ("delivered", None, NOW)
    assert (record.tries, record.via) == (1, "push")


def test_refused_is_over_with_the_reason():
    record = pushed(Outcome.REFUSED)
    assert (record.status, record.reason, record.due_at) == ("failed", "words", None)


def test_an_uncertain_push_remembers_since_when():
    assert pushed(Outcome.UNCERTAIN).unknown_since == NOW
    assert pushed(Outcome.UNCERTAIN, unknown_since=EARLIER).unknown_since == EARLIER


@pytest.mark.parametrize(
    "outcome", [Outcome.RATE_LIMITED, Outcome.UNREACHED, Outcome.QUOTA, Outcome.UNAUTHORISED]
)
def test_what_line_did_not_take_leaves_no_doubt_but_removes_none(outcome):
    assert pushed(outcome).unknown_since is None
    assert pushed(outcome, unknown_since=EARLIER).unknown_since == EARLIER


def test_the_quota_holds_until_the_month_turns():
    record = pushed(Outcome.QUOTA)
    assert (record.status, record.due_at) == ("held", NOW + timedelta(seconds=1))


def test_a_wrong_token_waits_a_minute_or_two():
    assert pushed(Outcome.UNAUTHORISED).due_at == NOW + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("age", "forgotten"),
    [(timedelta(hours=23), False), (timedelta(hours=23, minutes=50), True)],
)
def test_a_retry_key_protects_for_a_day(age, forgotten):
    assert progress.forgotten(delivery(unknown_since=NOW - age), NOW) is forgotten


def test_what_was_never_pushed_is_never_too_old():
    assert not progress.forgotten(delivery(), NOW)


def test_a_reply_is_good_until_its_time():
    token = {"reply_token": "t", "reply_until": NOW}
    assert not progress.reply_is_good(delivery(**token), NOW)
    assert progress.reply_is_good(delivery(**token), NOW - timedelta(microseconds=1))
    assert not progress.reply_is_good(delivery(reply_until=NOW), EARLIER)
    assert not progress.reply_is_good(delivery(reply_token="t"), EARLIER)


def test_a_spent_token_after_an_unknown_reply_means_that_it_was_sent():
    record = replied(Outcome.REPLY_EXPIRED, reply_tried_at=EARLIER)
    assert (record.status, record.via) == ("delivered", "reply")


def test_an_uncertain_reply_stays_a_reply():
    record = replied(Outcome.UNCERTAIN)
    assert (record.status, record.reply_tried_at, record.keep_token) == ("waiting", NOW, True)
    assert replied(Outcome.UNCERTAIN, reply_tried_at=EARLIER).reply_tried_at == EARLIER


def test_a_reply_that_line_did_not_take_may_become_a_push():
    assert replied(Outcome.RATE_LIMITED).reply_tried_at is None


def test_replies_are_repeated_quickly_for_their_tokens_are_short_lived():
    record = replied(Outcome.UNCERTAIN, tries=12)
    assert record.due_at == NOW + progress.LONGEST_REPLY_DELAY


def test_dropping_the_token_guards_the_push_that_follows():
    record = progress.token_dropped(delivery(reply_token="t", reply_tried_at=EARLIER), NOW)
    assert (record.keep_token, record.reply_tried_at, record.unknown_since) == (False, None, NOW)


def test_the_intention_to_reply_is_on_record_for_a_crash():
    record = progress.reply_intended(delivery(reply_token="t"), NOW)
    assert (record.reply_tried_at, record.unknown_since) == (NOW, NOW)
    assert record.due_at == delivery().lease_until
