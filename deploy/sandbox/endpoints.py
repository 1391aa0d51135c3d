"""Which call goes to which handler: LINE's paths, word for word.

Owns the table and the look-up. `{}` stands for an id.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from deploy.sandbox import (
    audience_api,
    channel_api,
    insight_api,
    narrowcast_api,
    rich_menu_api,
    send_api,
)
from deploy.sandbox.calls import Handler

Takes = Literal["json", "image", ""]
Route = tuple[str, str]


class Endpoint(NamedTuple):
    """`name` is what counts and the log call it; `takes` is the kind of body it reads."""

    name: str
    handler: Handler
    takes: Takes = ""


_MESSAGES: dict[Route, Endpoint] = {
    ("POST", "message/reply"): Endpoint("reply", send_api.reply, "json"),
    ("POST", "message/push"): Endpoint("push", send_api.push, "json"),
    ("POST", "message/multicast"): Endpoint("multicast", send_api.multicast, "json"),
    ("POST", "message/narrowcast"): Endpoint("narrowcast", narrowcast_api.narrowcast, "json"),
    ("GET", "message/progress/narrowcast"): Endpoint(
        "narrowcast_progress", narrowcast_api.progress
    ),
    ("POST", "message/broadcast"): Endpoint("broadcast", narrowcast_api.broadcast, "json"),
    **{
        ("POST", f"message/validate/{way}"): Endpoint("validate", send_api.validate, "json")
        for way in ("reply", "push", "multicast", "narrowcast", "broadcast")
    },
    ("GET", "message/quota"): Endpoint("quota", channel_api.quota),
    ("GET", "message/quota/consumption"): Endpoint("consumption", channel_api.consumption),
}
_FIGURES: dict[Route, Endpoint] = {
    **{
        ("GET", f"message/delivery/{way}"): Endpoint(f"sent_{way}", insight_api.sent_messages(way))
        for way in ("reply", "push", "multicast", "broadcast")
    },
    ("GET", "message/aggregation/info"): Endpoint("units_used", insight_api.units_used),
    ("GET", "message/aggregation/list"): Endpoint("unit_names", insight_api.unit_names),
    ("GET", "insight/message/delivery"): Endpoint("insight_deliveries", insight_api.deliveries),
    ("GET", "insight/followers"): Endpoint("insight_followers", insight_api.followers),
    ("GET", "insight/demographic"): Endpoint("insight_demographic", insight_api.demographic),
    ("GET", "insight/message/event"): Endpoint("insight_request", insight_api.of_request),
    ("GET", "insight/message/event/aggregation"): Endpoint("insight_unit", insight_api.of_unit),
}
_AUDIENCE = "audienceGroup/{}"
_AUDIENCES: dict[Route, Endpoint] = {
    ("POST", "audienceGroup/upload"): Endpoint("upload_audience", audience_api.upload, "json"),
    ("PUT", "audienceGroup/upload"): Endpoint("extend_audience", audience_api.extend, "json"),
    ("GET", "audienceGroup/list"): Endpoint("list_audiences", audience_api.list_all),
    ("GET", _AUDIENCE): Endpoint("get_audience", audience_api.get),
    ("DELETE", _AUDIENCE): Endpoint("delete_audience", audience_api.delete),
    ("PUT", f"{_AUDIENCE}/updateDescription"): Endpoint(
        "rename_audience", audience_api.rename, "json"
    ),
}
_CHANNEL: dict[Route, Endpoint] = {
    ("GET", "profile/{}"): Endpoint("profile", channel_api.profile),
    ("GET", "followers/ids"): Endpoint("follower_ids", channel_api.follower_ids),
    ("GET", "info"): Endpoint("info", channel_api.bot_info),
    ("POST", "user/{}/linkToken"): Endpoint("link_token", channel_api.link_token),
    ("POST", "chat/loading/start"): Endpoint("loading", channel_api.start_loading, "json"),
    ("GET", "channel/webhook/endpoint"): Endpoint("webhook_url", channel_api.webhook_url),
    ("PUT", "channel/webhook/endpoint"): Endpoint(
        "set_webhook_url", channel_api.set_webhook_url, "json"
    ),
}
_MENU, _ALIAS = "richmenu/{}", "richmenu/alias/{}"
_RICH_MENUS: dict[Route, Endpoint] = {
    ("POST", "richmenu"): Endpoint("create_rich_menu", rich_menu_api.create, "json"),
    ("POST", "richmenu/validate"): Endpoint("validate_rich_menu", rich_menu_api.validate, "json"),
    ("GET", "richmenu/list"): Endpoint("list_rich_menus", rich_menu_api.list_all),
    ("GET", _MENU): Endpoint("get_rich_menu", rich_menu_api.get),
    ("DELETE", _MENU): Endpoint("delete_rich_menu", rich_menu_api.delete),
    ("POST", f"{_MENU}/content"): Endpoint("upload_rich_menu", rich_menu_api.upload, "image"),
    ("GET", f"{_MENU}/content"): Endpoint("download_rich_menu", rich_menu_api.download),
    ("POST", f"user/all/{_MENU}"): Endpoint("set_default_menu", rich_menu_api.set_default),
    ("GET", "user/all/richmenu"): Endpoint("get_default_menu", rich_menu_api.get_default),
    ("DELETE", "user/all/richmenu"): Endpoint("cancel_default_menu", rich_menu_api.cancel_default),
    ("POST", f"user/{{}}/{_MENU}"): Endpoint("link_rich_menu", rich_menu_api.link),
    ("GET", "user/{}/richmenu"): Endpoint("get_menu_of_user", rich_menu_api.of_user),
    ("DELETE", "user/{}/richmenu"): Endpoint("unlink_rich_menu", rich_menu_api.unlink),
    ("POST", "richmenu/bulk/link"): Endpoint("bulk_link", rich_menu_api.bulk_link, "json"),
    ("POST", "richmenu/bulk/unlink"): Endpoint("bulk_unlink", rich_menu_api.bulk_unlink, "json"),
    ("POST", "richmenu/batch"): Endpoint("batch", rich_menu_api.batch, "json"),
    ("POST", "richmenu/validate/batch"): Endpoint(
        "validate_batch", rich_menu_api.validate_batch, "json"
    ),
    ("GET", "richmenu/progress/batch"): Endpoint("batch_progress", rich_menu_api.batch_progress),
    ("POST", "richmenu/alias"): Endpoint("create_alias", rich_menu_api.create_alias, "json"),
    ("GET", "richmenu/alias/list"): Endpoint("list_aliases", rich_menu_api.list_aliases),
    ("GET", _ALIAS): Endpoint("get_alias", rich_menu_api.get_alias),
    ("POST", _ALIAS): Endpoint("update_alias", rich_menu_api.update_alias, "json"),
    ("DELETE", _ALIAS): Endpoint("delete_alias", rich_menu_api.delete_alias),
}
ENDPOINTS: Mapping[Route, Endpoint] = {
    (method, f"/v2/bot/{path}"): endpoint
    for table in (_MESSAGES, _FIGURES, _AUDIENCES, _CHANNEL, _RICH_MENUS)
    for (method, path), endpoint in table.items()
}


class Endpoints:
    """Looks a call up: the busy paths in one step, those with ids step by step."""

    def __init__(self, table: Mapping[Route, Endpoint]) -> None:
        self._exact = {route: found for route, found in table.items() if "{}" not in route[1]}
        self._patterns = [
            (method, path.split("/"), endpoint)
            for (method, path), endpoint in table.items()
            if "{}" in path
        ]

    def find(self, method: str, path: str) -> tuple[Endpoint, tuple[str, ...]] | None:
        """The endpoint and the ids in the path."""
        exact = self._exact.get((method, path))
        if exact:
            return exact, ()
        steps = path.split("/")
        for wanted, pattern, endpoint in self._patterns:
            if wanted == method and len(pattern) == len(steps) and _fits(pattern, steps):
                ids = zip(pattern, steps, strict=True)
                return endpoint, tuple(step for part, step in ids if part == "{}")
        return None


def _fits(pattern: list[str], steps: list[str]) -> bool:
    return all(
        step and part in ("{}", step) for part, step in zip(pattern[1:], steps[1:], strict=True)
    )
