"""The areas of the console: where each is, what it is called, who sees it.

The pages come from several services; this list makes them one site. An area belongs here as soon
as its address answers.
"""

from typing import NamedTuple

from shared.web.roles import CHANGERS, COUNTER, OWNER, READERS, Role

TODAY = "/console"


class Area(NamedTuple):
    """One entry of the navigation; `icon` is one of `icons.html`, `roles` are those that see it."""

    address: str
    ja: str
    en: str
    icon: str
    roles: tuple[Role, ...]


class Group(NamedTuple):
    """Areas that belong together, under a heading that may be empty."""

    ja: str
    en: str
    areas: tuple[Area, ...]


_TODAY = Area("/console", "今日", "Today", "today", READERS)
GROUPS: tuple[Group, ...] = (
    Group(
        "",
        "",
        (
            Area(TODAY, "今日", "Today", "today", READERS),
            Area("/console/members", "会員", "Members", "members", READERS),
            Area("/counter", "カウンター", "Counter", "counter", COUNTER),
        ),
    ),
    Group(
        "しくみ",
        "Program",
        (
            Area("/console/program", "ポイントのルール", "Point rules", "rules", READERS),
            Area("/console/ranks", "ランク", "Ranks", "rank", READERS),
            Area("/console/segments", "セグメント", "Segments", "segment", READERS),
        ),
    ),
    Group(
        "LINE",
        "LINE",
        (
            Area("/console/messages", "メッセージ", "Messages", "message", READERS),
            Area("/console/schedules", "予定", "Schedules", "clock", READERS),
        ),
    ),
    Group(
        "お店",
        "Shop",
        (
            Area("/console/stores", "店舗とレジ", "Stores and tills", "store", READERS),
            Area("/console/design", "カードのデザイン", "Card design", "design", CHANGERS),
            Area("/console/staff", "スタッフ", "Staff", "staff", OWNER),
            Area("/console/settings/line", "LINEとの接続", "LINE connection", "plug", CHANGERS),
            Area("/console/import", "取り込み", "Import", "import", OWNER),
            Area("/console/export", "書き出し", "Export", "export", OWNER),
            Area("/console/audit", "操作の記録", "Audit log", "audit", CHANGERS),
        ),
    ),
)


def groups_for(role: str) -> list[Group]:
    """What somebody of this role sees."""
    seen = [
        group._replace(areas=tuple(area for area in group.areas if role in area.roles))
        for group in GROUPS
    ]
    return [group for group in seen if group.areas]


def current(path: str) -> str:
    """The address of the area that a page belongs to: the longest that its path begins with; the
    first page, under whose address all others are, is its own area only."""
    inside = [
        area.address
        for group in GROUPS
        for area in group.areas
        if path == area.address or (area.address != TODAY and path.startswith(area.address + "/"))
    ]
    return max(inside, key=len, default="")
