"""The rest of the Messaging API that we use: profiles, quota, account, link tokens, webhook URL.

Owns answers that send nothing. Sending stands in `send_api`.
"""

from deploy.sandbox.answers import Answer, json_answer, refuse, refuse_property
from deploy.sandbox.calls import Call, json_object
from deploy.sandbox.people import User, is_user_id
from deploy.sandbox.platform import Platform

WEBHOOK_URL_LIMIT = 500
MOST_FOLLOWERS = 1000
BASIC_ID = "@tamaru-sandbox"


def profile(platform: Platform, call: Call) -> Answer:
    """`GET /v2/bot/profile/{userId}`: 404 for strangers and for those who block the account."""
    user = platform.people.find(call.path_id)
    if user is None or not user.following:
        raise refuse(404, "Not found")
    more = {
        "language": user.language,
        "pictureUrl": user.picture_url,
        "statusMessage": user.status_message,
    }
    told = {name: value for name, value in more.items() if value}
    return json_answer(200, {"userId": user.user_id, "displayName": user.name, **told})


def follower_ids(platform: Platform, call: Call) -> Answer:
    """`GET /v2/bot/followers/ids`: in pages of at most 1,000."""
    limit, start = call.query.get("limit", "300"), call.query.get("start", "0")
    if not _is_number(limit) or not 1 <= int(limit) <= MOST_FOLLOWERS:
        raise refuse(400, "The value for the 'limit' parameter is invalid")
    if not _is_number(start):
        raise refuse(400, "The value for the 'start' parameter is invalid")
    found, following = platform.people.page_of_followers(int(start), int(limit))
    more = {} if following is None else {"next": str(following)}
    return json_answer(200, {"userIds": [user.user_id for user in found], **more})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def quota(platform: Platform, call: Call) -> Answer:
    limit = platform.quota.limit
    if limit is None:
        return json_answer(200, {"type": "none"})
    return json_answer(200, {"type": "limited", "value": limit})


def consumption(platform: Platform, call: Call) -> Answer:
    return json_answer(200, {"totalUsage": platform.quota.used(platform.seconds())})


def bot_info(platform: Platform, call: Call) -> Answer:
    channel = platform.channel
    return json_answer(
        200,
        {
            "userId": channel.bot_user_id,
            "basicId": BASIC_ID,
            "displayName": channel.name,
            "chatMode": "bot",
            "markAsReadMode": "auto",
        },
    )


def link_token(platform: Platform, call: Call) -> Answer:
    """`POST /v2/bot/user/{userId}/linkToken`: good for 10 minutes, once."""
    user = _friend(platform, call.path_id, "userId")
    return json_answer(
        200, {"linkToken": platform.link_tokens.issue(user.user_id, platform.seconds())}
    )


def start_loading(platform: Platform, call: Call) -> Answer:
    """`POST /v2/bot/chat/loading/start`: 5 to 60 seconds in steps of 5; shown nowhere here."""
    request = json_object(call.body)
    seconds = request.get("loadingSeconds", 20)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds not in range(5, 61, 5):
        raise refuse_property("loadingSeconds")
    chat = request.get("chatId")
    if not isinstance(chat, str):
        raise refuse_property("chatId")
    _friend(platform, chat, "chatId")
    return Answer(202)


def webhook_url(platform: Platform, call: Call) -> Answer:
    return json_answer(200, {"endpoint": platform.channel.webhook_url, "active": True})


def set_webhook_url(platform: Platform, call: Call) -> Answer:
    url = json_object(call.body).get("endpoint")
    if not is_webhook_url(url):
        raise refuse(400, "Invalid webhook endpoint URL")
    platform.channel.webhook_url = str(url)
    return Answer(200)


def is_webhook_url(url: object) -> bool:
    """LINE takes https only; on one machine there is no certificate, so http passes here."""
    return (
        isinstance(url, str)
        and len(url) <= WEBHOOK_URL_LIMIT
        and url.startswith(("https://", "http://"))
    )


def _friend(platform: Platform, user_id: str, name: str) -> User:
    user = platform.people.find(user_id) if is_user_id(user_id) else None
    if user is None:
        raise refuse_property(name)
    return user
