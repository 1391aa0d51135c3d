"""Linking a card, as the customer hears of it: by reply, and from then on as the card's member."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from shared import clock
from shared.events import ChatDataProvided, LinkRefused, MemberLinked, MemberUnlinked, new_event

CARD = "2900000000016"
CARD_MEMBER = UUID(int=9)


async def test_a_link_is_told_by_reply_and_the_user_leads_to_the_card(notify, line, kit):
    line.good_tokens["t1"] = kit.user
    until = clock.now() + timedelta(seconds=50)
    linked = MemberLinked(CARD_MEMBER, CARD, 60, clock.now(), 0, kit.user, "t1", until)
    async with notify.running() as worker:
        await worker.tell(kit.joined())
        await worker.settled(1)
        await worker.tell(new_event("/points/members", linked))
        await worker.settled(2)
        member = "SELECT member_id FROM recipients WHERE line_user_id = $1"
        assert await worker.pool.fetchval(member, kit.user) == CARD_MEMBER
        undone = MemberUnlinked(kit.member, CARD_MEMBER, CARD, 50, clock.now(), kit.user)
        await worker.tell(new_event("/points/members", undone))
        await worker.settled(3)
        assert await worker.pool.fetchval(member, kit.user) == kit.member
    assert [each["kind"] for each in line.delivered] == ["push", "reply", "push"]
    assert "連携が完了" in line.texts()[1]
    assert "解除しました" in line.texts()[2]


async def test_a_refusal_is_told_to_who_tried(notify, line, kit):
    refused = LinkRefused(kit.user, "wrong_code")
    async with notify.running() as worker:
        await worker.tell(new_event("/points/members", refused))
        await worker.settled(1)
    assert "このコードは使えません" in line.texts()[0]


def offer(kit) -> Any:
    asked = ChatDataProvided(kit.user, "link", kit.member, CARD, 50)
    return new_event("/points/chat", asked)


async def test_the_button_carries_a_token_that_line_gave_for_this_user(notify, line, kit):
    line.link_tokens = ["a/token&"]
    async with notify.running() as worker:
        await worker.tell(offer(kit))
        await worker.settled(1)
    (message,) = line.delivered[0]["messages"]
    (action,) = message["template"]["actions"]
    assert action["uri"] == "https://shop.example.jp/link?linkToken=a%2Ftoken%26"
    assert line.calls[0] == ("link_token", kit.user)


async def test_a_try_again_asks_for_a_token_again_and_says_it_once(notify, line, kit):
    line.link_tokens, line.script = ["one", "two"], ["rate"]
    async with notify.running() as worker:
        await worker.tell(offer(kit))
        await worker.settled(1)
    assert len(line.delivered) == 1
    assert line.delivered[0]["messages"][0]["template"]["actions"][0]["uri"].endswith("=two")


async def test_where_line_gives_no_token_the_till_s_code_is_told(notify, line, kit):
    async with notify.running() as worker:
        await worker.tell(offer(kit))
        await worker.settled(1)
    (message,) = line.delivered[0]["messages"]
    assert "6桁のコード" in message["text"]


async def test_without_an_address_of_the_shop_no_token_is_asked_for(notify, line, kit):
    line.link_tokens = ["one"]
    async with notify.running(public_url="") as worker:
        await worker.tell(offer(kit))
        await worker.settled(1)
    assert "6桁のコード" in line.texts()[0]
    assert line.link_tokens == ["one"]
