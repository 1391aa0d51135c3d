"""Segments that every shop has, until its owner stores others under their codes. Pure."""

from typing import Any

from msgspec import Struct

from services.points.rules.explain import Words


class Preset(Struct, frozen=True):
    """A segment that is shipped: its code, its name, its document."""

    code: str
    name: Words
    definition: dict[str, Any]


PRESETS = {
    each.code: each
    for each in (
        Preset("everybody", Words("会員全員", "All members"), {"all": True}),
        Preset(
            "points-1000-and-more",
            Words("1,000 ポイント以上", "1,000 points and more"),
            {"points": {"min": 1000}},
        ),
        Preset(
            "points-100-to-999",
            Words("100〜999 ポイント", "100 to 999 points"),
            {"points": {"min": 100, "max": 999}},
        ),
        Preset(
            "points-under-100",
            Words("100 ポイント未満", "Under 100 points"),
            {"points": {"max": 99}},
        ),
        Preset(
            "not-seen-14-days",
            Words("14 日以上来店なし", "Not seen for 14 days"),
            {"last_visit": {"before_days": 14}},
        ),
        Preset(
            "expiring-30-days",
            Words("30 日以内にポイントが失効", "Points expire within 30 days"),
            {"expiring": {"days": 30}},
        ),
        Preset(
            "near-next-rank",
            Words("あと少しでランクアップ", "Close to the next rank"),
            {"next_rank": {"progress": 80}},
        ),
    )
}
"""Code → preset, in the order in which they are shown."""
