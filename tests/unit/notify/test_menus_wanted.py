"""Which menu fits whom, and what a look at LINE makes of what it sees."""

import pytest

from services.notify.menus.definition import Applies
from services.notify.menus.drift import compare
from services.notify.menus.wanted import DEFAULT, Person, wanted

MENUS = [
    ("all", Applies(default=True)),
    ("en", Applies(languages=("en",))),
    ("gold", Applies(ranks=("gold", "platinum"))),
    ("gold-en", Applies(ranks=("gold",), languages=("en",))),
    ("linked", Applies(states=("linked",), ranks=("silver",))),
    ("pause", Applies(states=("suspended",))),
    ("bye", Applies(states=("left",))),
    ("bye-again", Applies(states=("left",))),
]


@pytest.mark.parametrize(
    ("person", "menu"),
    [
        (Person(), DEFAULT),
        (Person("en"), "en"),
        (Person("ja", "bronze"), DEFAULT),
        (Person("ja", "gold"), "gold"),
        (Person("ja", "platinum"), "gold"),
        (Person("en", "gold"), "gold-en"),
        (Person("en", "platinum"), "gold"),
        (Person("ja", "silver"), DEFAULT),
        (Person("ja", "silver", has_card=True), "linked"),
        (Person("ja", None, has_card=True), DEFAULT),
        (Person("en", "gold", suspended=True), "pause"),
        (Person("ja", "silver", has_card=True, suspended=True), "linked"),
        (Person("en", "gold", has_card=True, suspended=True, left=True), "bye"),
    ],
)
def test_the_menu_that_says_most_about_somebody(person: Person, menu: str) -> None:
    assert wanted(person, MENUS) == menu
    assert wanted(person, reversed(MENUS)) == menu


def test_without_menus_everybody_has_the_default() -> None:
    assert wanted(Person("en", "gold"), []) == DEFAULT


OURS, OTHERS = "tamaru/gold/abc", "summer"


def test_nothing_differs() -> None:
    drift = compare(["a"], [("a", OURS), ("x", OTHERS)], ("a", "a"), {"u": ("a", "a")})
    assert (drift.words(), drift.default) == ([], False)


@pytest.mark.parametrize(
    ("told", "found", "differs"),
    [
        ("a", "a", False),
        ("a", "x", True),
        ("a", None, True),
        (None, "a", True),
        (None, "x", False),  # somebody else's: we have none to put in its place
        (None, None, False),
    ],
)
def test_the_default(told: str | None, found: str | None, differs: bool) -> None:
    listed = [("a", OURS), ("x", OTHERS)]
    assert compare(["a"], listed, (told, found), {}).default is differs


def test_what_is_lost_astray_or_nobodys() -> None:
    listed = [("b", OURS), ("c", OURS), ("x", OTHERS)]
    people = {"u": ("b", "b"), "v": ("b", "x"), "w": ("b", "")}
    drift = compare(["a", "b"], listed, ("b", "b"), people)
    assert (drift.lost, drift.strays, drift.people) == (["a"], ["c"], {"v": "x", "w": ""})
    assert len(drift.words()) == 3
