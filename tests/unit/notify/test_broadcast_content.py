"""What a broadcast says, before and after it is confirmed."""

import json
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.notify.broadcasts import content
from services.notify.broadcasts.content import SAMPLES, Content, Filler
from services.notify.templates.fixed import fixed
from services.notify.templates.people import VARIABLES
from shared.events import SegmentPerson

NAMES = fixed("#123456", "https://shop.example.jp")
PLAIN = {"ja": [{"type": "text", "text": "30%{{OFF}} {card_url}"}]}
PERSONAL = {"ja": [{"type": "text", "text": "{points}"}], "en": [{"type": "text", "text": "Hi"}]}


def test_what_is_the_same_for_all_is_stored_as_line_takes_it() -> None:
    assert not content.is_personal(PLAIN, NAMES)
    (message,) = json.loads(content.final(PLAIN, NAMES, personal=False)["ja"])
    assert message["text"] == "30%{OFF} https://shop.example.jp/card"


def test_one_personal_language_makes_all_personal_and_each_is_filled() -> None:
    assert content.is_personal(PERSONAL, NAMES)
    stored = content.final({**PERSONAL, **PLAIN}, NAMES, personal=True)
    assert "https://shop.example.jp/card" in stored["ja"], "the address of when it was confirmed"
    stored = content.final(PERSONAL, NAMES, personal=True)
    person = SegmentPerson(member_id=UUID(int=1), card="1", points=1234)
    filler = Filler(stored, ZoneInfo("Asia/Tokyo"))
    filled = filler.fill("ja", msgspec.json.encode(person).decode(), None)
    assert json.loads(filled)[0]["text"] == "1,234"


def test_japanese_is_for_everybody_who_speaks_none_of_its_languages() -> None:
    said = Content({"en": PERSONAL["en"], "ja": PERSONAL["ja"]}, "k", None, True)
    assert said.spoken == ["ja", "en"]


def test_samples_know_every_variable() -> None:
    for values in SAMPLES.values():
        assert set(values) == set(VARIABLES)
