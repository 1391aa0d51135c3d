"""What LINE's answers mean for who sets a channel up."""

import pytest

from services.notify.connection import steps
from services.notify.connection.steps import Reply
from services.notify.quota.line_figures import Figures

OURS = "https://shop.example/line/webhook"


def test_a_good_token_names_the_account() -> None:
    step = steps.token(Reply(200, {"displayName": "はなや", "basicId": "@hana"}))
    assert step.state == "good"
    assert "はなや" in step.ja
    assert "@hana" in step.en


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_says_where_to_put_a_new_one(status: int) -> None:
    step = steps.token(Reply(status, {"message": "invalid token"}))
    assert step.state == "bad"
    assert "LINE_CHANNEL_ACCESS_TOKEN" in step.ja
    assert "LINE_CHANNEL_ACCESS_TOKEN" in step.en


@pytest.mark.parametrize(
    ("reply", "state", "fix"),
    [
        (Reply(200, {"endpoint": OURS, "active": True}), "good", ""),
        (Reply(200, {"endpoint": OURS, "active": False}), "bad", ""),
        (Reply(200, {"endpoint": "https://old.example/", "active": True}), "bad", "webhook"),
        (Reply(404, {}), "bad", "webhook"),
        (Reply(500, {"message": "oops"}), "unknown", ""),
        (Reply(0, {}), "unknown", ""),
    ],
)
def test_the_webhook_is_ours_and_switched_on(reply: Reply, state: str, fix: str) -> None:
    step = steps.webhook(reply, OURS)
    assert (step.state, step.fix) == (state, fix)


def test_a_test_delivery_tells_a_wrong_secret_from_a_server_that_is_away() -> None:
    assert steps.delivery(Reply(200, {"success": True, "statusCode": 200})).state == "good"
    secret = steps.delivery(Reply(200, {"success": False, "statusCode": 401}))
    assert secret.state == "bad"
    assert "LINE_CHANNEL_SECRET" in secret.ja
    away = steps.delivery(Reply(200, {"success": False, "reason": "COULD_NOT_CONNECT"}))
    assert away.state == "bad"
    assert "COULD_NOT_CONNECT" in away.en
    assert steps.delivery(Reply(400, {})).state == "bad"


def test_the_months_messages_are_counted_down() -> None:
    assert steps.quota(Figures(None, 5)).state == "good"
    left = steps.quota(Figures(200, 150))
    assert (left.state, "50" in left.ja) == ("good", True)
    assert steps.quota(Figures(200, 230)).state == "bad"
    assert steps.quota(None).state == "unknown"


def test_the_card_opens_inside_line_where_its_app_leads_to_us() -> None:
    def of(status: int, *apps: dict[str, object]) -> steps.Step:
        return steps.liff(Reply(status, {"apps": list(apps)}), "123-abc", "https://shop/card")

    ours = {"liffId": "123-abc", "view": {"type": "full", "url": "https://shop/card"}}
    assert of(200, ours).state == "good"
    assert of(200, {**ours, "view": {"url": "https://old/card"}}).state == "bad"
    assert of(200, {**ours, "liffId": "123-other"}).state == "bad"
    assert of(404).state == "bad"
    assert "LINE_LOGIN_CHANNEL_SECRET" in of(401).ja
    assert of(503).state == "unknown"
    by_eye = steps.liff(None, "123-abc", "https://shop/card")
    assert (by_eye.state, "liff.line.me/123-abc" in by_eye.ja) == ("unknown", True)
