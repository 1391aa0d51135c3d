"""The Messaging API's rich menus: made, given an image, linked to one, to many and to all.

Owns the calls' order of checks and words. The state stands in `rich_menus`, LINE's limits in
`shared.line.rich_menu_rules`.
"""

from collections.abc import Callable
from typing import Any

from deploy.sandbox.answers import Answer, json_answer, moment, refuse, refuse_problems
from deploy.sandbox.calls import Call, checked
from deploy.sandbox.people import User, is_user_id
from deploy.sandbox.platform import Platform
from deploy.sandbox.rich_menus import MOST_MENUS, Batch, Image, RichMenu
from shared.line import rich_menu_rules as rules
from shared.line.images import picture

NO_IMAGE = "must upload richmenu image before applying it to user"


def create(platform: Platform, call: Call) -> Answer:
    """`POST /v2/bot/richmenu`: cannot be shown until it has an image."""
    content = checked(call.body, rules.rich_menu)
    if len(platform.rich_menus.menus) >= MOST_MENUS:
        raise refuse(400, f"The number of rich menus has reached its limit ({MOST_MENUS})")
    return json_answer(200, {"richMenuId": platform.rich_menus.add(content).menu_id})


def validate(platform: Platform, call: Call) -> Answer:
    checked(call.body, rules.rich_menu)
    return Answer(200)


def get(platform: Platform, call: Call) -> Answer:
    return json_answer(200, _menu(platform, call.path_id).shown())


def list_all(platform: Platform, call: Call) -> Answer:
    menus = platform.rich_menus.menus.values()
    return json_answer(200, {"richmenus": [menu.shown() for menu in menus]})


def delete(platform: Platform, call: Call) -> Answer:
    platform.rich_menus.remove(_menu(platform, call.path_id).menu_id)
    return Answer(200)


def upload(platform: Platform, call: Call) -> Answer:
    """`POST …/content`: a JPEG or PNG of the menu's size, once."""
    menu = _menu(platform, call.path_id)
    if menu.image is not None:
        raise refuse(400, "An image has already been uploaded to the richmenu")
    fault = rules.image_fault(call.body, menu.content["size"])
    if fault:
        raise refuse(413 if len(call.body) > rules.IMAGE_BYTES else 400, fault)
    seen = picture(call.body)
    if seen is None or seen.media != call.media:
        raise refuse(400, f"The content type, '{call.media}', does not fit the image")
    menu.image = Image(call.media, call.body)
    return Answer(200)


def download(platform: Platform, call: Call) -> Answer:
    image = _menu(platform, call.path_id).image
    if image is None:
        raise refuse(404, "richmenu image not found")
    return Answer(200, image.data, media=image.media)


def set_default(platform: Platform, call: Call) -> Answer:
    platform.rich_menus.default = _shown_menu(platform, call.path_id).menu_id
    return Answer(200)


def get_default(platform: Platform, call: Call) -> Answer:
    if platform.rich_menus.default is None:
        raise refuse(404, "no default richmenu")
    return json_answer(200, {"richMenuId": platform.rich_menus.default})


def cancel_default(platform: Platform, call: Call) -> Answer:
    platform.rich_menus.default = None
    return Answer(200)


def link(platform: Platform, call: Call) -> Answer:
    """`POST /v2/bot/user/{userId}/richmenu/{richMenuId}`: in place of what was linked before."""
    user = _user(platform, call.path_id)
    menu = _shown_menu(platform, call.path_ids[1])
    platform.rich_menus.links[user.user_id] = menu.menu_id
    return Answer(200)


def of_user(platform: Platform, call: Call) -> Answer:
    menu = platform.rich_menus.linked(_user(platform, call.path_id).user_id)
    if menu is None:
        raise refuse(404, "the user has no richmenu")
    return json_answer(200, {"richMenuId": menu.menu_id})


def unlink(platform: Platform, call: Call) -> Answer:
    platform.rich_menus.links.pop(_user(platform, call.path_id).user_id, None)
    return Answer(200)


def bulk_link(platform: Platform, call: Call) -> Answer:
    """`POST …/bulk/link`: accepted as a whole; ids of nobody are passed over in silence."""
    content = checked(call.body, rules.bulk_link)
    menu = _shown_menu(platform, content["richMenuId"])
    for user_id in _known(platform, content["userIds"]):
        platform.rich_menus.links[user_id] = menu.menu_id
    return Answer(202)


def bulk_unlink(platform: Platform, call: Call) -> Answer:
    for user_id in _known(platform, checked(call.body, rules.bulk_unlink)["userIds"]):
        platform.rich_menus.links.pop(user_id, None)
    return Answer(202)


def batch(platform: Platform, call: Call) -> Answer:
    """`POST …/batch`: works on all who have a menu; done at once here, LINE takes its time."""
    operations = checked(call.body, rules.batch)["operations"]
    _refuse_unknown(platform, operations)
    for operation in operations:
        _operate(platform, operation)
    at = platform.seconds()
    platform.rich_menus.finish_batch(call.request_id, Batch("succeeded", at, at))
    return Answer(202)


def validate_batch(platform: Platform, call: Call) -> Answer:
    _refuse_unknown(platform, checked(call.body, rules.batch)["operations"])
    return Answer(200)


def batch_progress(platform: Platform, call: Call) -> Answer:
    found = platform.rich_menus.batches.get(call.query.get("requestId", ""))
    if found is None:
        raise refuse(404, "Not found")
    times = {"acceptedTime": moment(found.accepted), "completedTime": moment(found.completed)}
    return json_answer(200, {"phase": found.phase, **times})


def create_alias(platform: Platform, call: Call) -> Answer:
    content = checked(call.body, rules.new_alias)
    if content["richMenuAliasId"] in platform.rich_menus.aliases:
        raise refuse(400, "conflict richmenu alias id")
    menu = _menu(platform, content["richMenuId"], 400)
    platform.rich_menus.aliases[content["richMenuAliasId"]] = menu.menu_id
    return Answer(200)


def update_alias(platform: Platform, call: Call) -> Answer:
    _alias(platform, call.path_id)
    menu = _menu(platform, checked(call.body, rules.changed_alias)["richMenuId"], 400)
    platform.rich_menus.aliases[call.path_id] = menu.menu_id
    return Answer(200)


def get_alias(platform: Platform, call: Call) -> Answer:
    return json_answer(200, _alias(platform, call.path_id))


def delete_alias(platform: Platform, call: Call) -> Answer:
    del platform.rich_menus.aliases[_alias(platform, call.path_id)["richMenuAliasId"]]
    return Answer(200)


def list_aliases(platform: Platform, call: Call) -> Answer:
    aliases = [_alias(platform, alias) for alias in platform.rich_menus.aliases]
    return json_answer(200, {"aliases": aliases})


def _alias(platform: Platform, alias: str) -> dict[str, str]:
    menu_id = platform.rich_menus.aliases.get(alias)
    if menu_id is None:
        raise refuse(404, "richmenu alias not found")
    return {"richMenuAliasId": alias, "richMenuId": menu_id}


def _menu(platform: Platform, menu_id: str, status: int = 404) -> RichMenu:
    menu = platform.rich_menus.menus.get(menu_id)
    if menu is None:
        raise refuse(status, "richmenu not found")
    return menu


def _shown_menu(platform: Platform, menu_id: str) -> RichMenu:
    """A menu that can be shown: LINE refuses one without an image."""
    menu = _menu(platform, menu_id)
    if menu.image is None:
        raise refuse(400, NO_IMAGE)
    return menu


def _user(platform: Platform, user_id: str) -> User:
    user = platform.people.find(user_id) if is_user_id(user_id) else None
    if user is None:
        raise refuse(400, "The value for the 'userId' parameter is invalid")
    return user


def _known(platform: Platform, user_ids: list[str]) -> list[str]:
    """The ids of real people; one of the wrong form refuses the call."""
    bad = [n for n, user_id in enumerate(user_ids) if not is_user_id(user_id)]
    if bad:
        raise refuse_problems([(("userIds", n), "invalid user id") for n in bad])
    return [user_id for user_id in user_ids if platform.people.find(user_id)]


def _refuse_unknown(platform: Platform, operations: list[dict[str, Any]]) -> None:
    for operation in operations:
        for name in ("from", "to"):
            if name in operation:
                _menu(platform, operation[name], 400)


def _operate(platform: Platform, operation: dict[str, Any]) -> None:
    kinds: dict[str, Callable[[], None]] = {
        "link": lambda: platform.rich_menus.replace(operation["from"], operation["to"]),
        "unlink": lambda: platform.rich_menus.replace(operation["from"], None),
        "unlinkAll": platform.rich_menus.links.clear,
    }
    kinds[operation["type"]]()
