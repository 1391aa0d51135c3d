"""What a user can do on the phone, and the webhook that LINE would send for it.

Owns the acts' effect on the platform and the choice of event. HTTP stands in `script_users`.
"""

import msgspec

from deploy.sandbox import webhook_events
from deploy.sandbox.people import User
from deploy.sandbox.platform import Platform
from deploy.sandbox.webhook_events import Event
from shared.line.action_rules import POSTBACK_DATA_LIMIT, URI_LIMIT
from shared.line.message_rules import TEXT_LIMIT
from shared.line.text_length import utf16_units

SCAN_LIMIT = 4096


class Impossible(Exception):
    """An act that LINE's app would not let the user do, with the reason."""


def follow(platform: Platform, user: User) -> Event | None:
    """Add the account, or unblock it. Nothing happens for one who follows already."""
    if user.following:
        return None
    unblocked, user.following, user.ever_followed = user.ever_followed, True, True
    at = _done(platform, user, "follow", "")
    platform.statistics.count("unblock" if unblocked else "follow", 1, at)
    return webhook_events.follow(
        user.user_id, _ms(at), _reply_token(platform, user, at), unblocked=unblocked
    )


def unfollow(platform: Platform, user: User) -> Event | None:
    """Block the account. Nothing happens for one who does not follow it."""
    if not user.following:
        return None
    user.following = False
    at = _done(platform, user, "unfollow", "")
    platform.statistics.count("block", 1, at)
    return webhook_events.unfollow(user.user_id, _ms(at))


def say(platform: Platform, user: User, text: str) -> Event:
    if not 1 <= utf16_units(text) <= TEXT_LIMIT:
        raise Impossible(f"text must have 1 to {TEXT_LIMIT} UTF-16 units")
    _refuse_blocked(user)
    at = _done(platform, user, "say", text)
    token = _reply_token(platform, user, at)
    return webhook_events.text_message(user.user_id, _ms(at), token, platform.message_id(), text)


def tap(
    platform: Platform,
    user: User,
    data: str,
    display_text: str = "",
    params: dict[str, str] | None = None,
) -> Event:
    """Tap something that carries a postback; its `displayText` shows in the chat.

    `params` is what a date picker chose, or where a rich menu switched to."""
    if utf16_units(data) > POSTBACK_DATA_LIMIT:
        raise Impossible(f"data must have at most {POSTBACK_DATA_LIMIT} UTF-16 units")
    _refuse_blocked(user)
    at = _done(platform, user, "tap", display_text)
    token = _reply_token(platform, user, at)
    return webhook_events.postback(user.user_id, _ms(at), token, data, params)


def switch(platform: Platform, user: User, alias: str, data: str) -> Event:
    """Tap what switches to the rich menu behind an alias; the postback tells how that went."""
    menu_id = platform.rich_menus.aliases.get(alias)
    menu = platform.rich_menus.menus.get(menu_id or "")
    if menu_id is None:
        status = "RICHMENU_ALIAS_ID_NOTFOUND"
    elif menu is None or menu.image is None:
        status = "RICHMENU_NOTFOUND"
    else:
        status = "SUCCESS"
    event = tap(platform, user, data, "", {"newRichMenuAliasId": alias, "status": status})
    if status == "SUCCESS" and menu is not None:
        platform.rich_menus.links[user.user_id] = menu.menu_id
    return event


WITHOUT_REPLY = ("unfollow", "leave", "memberLeft", "unsend")


def completed(platform: Platform, event: Event) -> Event:
    """An event with what every one has: id, time, mode, and a reply token that works, where LINE
    gives one and the sandbox knows the user. What is there stays."""
    at = platform.seconds()
    source = event.get("source")
    user_id = source.get("userId") if isinstance(source, dict) else None
    user = platform.people.find(user_id) if isinstance(user_id, str) else None
    if user is not None and event.get("type") not in WITHOUT_REPLY:
        event = {"replyToken": _reply_token(platform, user, at), **event}
    return {
        "webhookEventId": webhook_events.new_ulid(_ms(at)),
        "deliveryContext": {"isRedelivery": False},
        "timestamp": _ms(at),
        "mode": "active",
        **event,
    }


def look(platform: Platform, user: User) -> int:
    """Look at the chat: what had not been opened is now. Gives how many deliveries that were."""
    unopened = platform.deliveries.unopened(user.user_id)
    for delivery in unopened:
        delivery.opened = True
        if delivery.tally is not None:
            bubbles = len(msgspec.json.decode(delivery.messages))
            delivery.tally.open(user.user_id, bubbles)
    return len(unopened)


def click(platform: Platform, user: User, number: int, bubble: int, url: str) -> None:
    """Open a link in what arrived under that number; bubbles count from 1."""
    if utf16_units(url) > URI_LIMIT:
        raise Impossible(f"url must have at most {URI_LIMIT} UTF-16 units")
    for delivery in platform.deliveries.received(user.user_id):
        if delivery.number == number and delivery.tally is not None:
            delivery.tally.click(user.user_id, bubble, url)


def scan(platform: Platform, user: User, code: str) -> None:
    """Point the camera at a code: no webhook; the page's `liff.scanCodeV2()` gets it."""
    if not 1 <= len(code) <= SCAN_LIMIT:
        raise Impossible(f"code must have 1 to {SCAN_LIMIT} characters")
    user.scans.append(code)
    _done(platform, user, "scan", code)


def account_link(platform: Platform, user: User, nonce: str) -> Event:
    """Come back from the shop's own page, which has said who the user is there."""
    _refuse_blocked(user)
    at = _done(platform, user, "link", "")
    return webhook_events.account_link(
        user.user_id, _ms(at), _reply_token(platform, user, at), nonce
    )


def _refuse_blocked(user: User) -> None:
    if user.blocked:
        raise Impossible("the user blocks the account: follow first")


def _done(platform: Platform, user: User, kind: str, text: str) -> float:
    at = platform.seconds()
    platform.deliveries.do(user.user_id, kind, text, at)
    if platform.on_change:
        platform.on_change()
    return at


def _reply_token(platform: Platform, user: User, at: float) -> str:
    return platform.reply_tokens.issue(user.user_id, at)


def _ms(at: float) -> int:
    return int(at * 1000)
