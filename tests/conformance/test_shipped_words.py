"""Every message as shipped, filled, is a request that LINE's own files take: no unknown property,
no missing one."""

import json

import pytest

from services.notify.templates import samples, wording
from services.notify.templates.fixed import fixed
from services.notify.templates.kinds import KINDS
from tests.conformance.openapi import present, problems_of

pytestmark = pytest.mark.skipif(not present(), reason="LINE's OpenAPI files are not beside us")

CARDS = {"with a card": "https://shop.example.jp/", "without": ""}
WORDINGS = {name: wording.load(fixed(public_url=url)) for name, url in CARDS.items()}


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("language", wording.LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_line_takes_each_shipped_message(kind: str, language: str, card: str) -> None:
    template = WORDINGS[card][language].templates[kind]
    messages = json.loads(template.fill(samples.examples(kind, language)))
    body = {"to": "U" + "1" * 32, "messages": messages}
    assert problems_of("POST", "/v2/bot/message/push", body) == []
