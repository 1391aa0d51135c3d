"""The card opens on a slow phone: what it makes it fetch besides LINE's own script."""

import gzip
from pathlib import Path

from services.points.brand import palette, stylesheet

ROOT = Path(__file__).parents[3]
STATIC = {name: ROOT / f"services/{name}/pages/static" for name in ("points", "notify")}
FIRST = [STATIC["points"] / "card.css", STATIC["points"] / "card.js"]
"""Before the card can be used; the rest comes when it is wanted."""
ALL = [
    *FIRST,
    STATIC["points"] / "card-acts.js",
    STATIC["points"] / "card-worker.js",
    STATIC["notify"] / "notices.css",
    STATIC["notify"] / "notices.js",
]
MOST = 60_000
MOST_FIRST_SENT = 12_000


def test_all_script_and_style_of_the_card_weigh_less_than_60_kb() -> None:
    colours = len(stylesheet.stylesheet(palette.DEFAULT))
    assert sum(len(file.read_bytes()) for file in ALL) + colours < MOST


def test_what_the_first_look_needs_is_small_as_it_is_sent() -> None:
    assert sum(len(gzip.compress(file.read_bytes(), 6)) for file in FIRST) < MOST_FIRST_SENT


def test_the_card_fetches_nothing_that_is_not_weighed_here() -> None:
    templates = ROOT / "services/points/pages/templates"
    said = "".join((templates / name).read_text() for name in ("card.html", "shop_head.html"))
    said += FIRST[1].read_text() + ALL[2].read_text()
    named = {
        part.split('"')[0].split("'")[0].split("?")[0].rsplit("/", 1)[-1]
        for part in said.split("/static/")[1:]
    }
    assert named <= {file.name for file in ALL} | {"icon.svg"}
