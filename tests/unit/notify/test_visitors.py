"""Who counts as a person: phones do, programs that look ahead do not."""

import pytest

from services.notify.links.visitors import is_person

PHONE = (
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    b"(KHTML, like Gecko) Mobile/15E148 Safari Line/14.9.0"
)
ANDROID = (
    b"Mozilla/5.0 (Linux; Android 14; CUBOT X18) AppleWebKit/537.36 (KHTML, like Gecko) "
    b"Version/4.0 Chrome/124.0 Mobile Safari/537.36 Line/14.9.0/IAB"
)


@pytest.mark.parametrize("agent", [PHONE, ANDROID, ANDROID.replace(b" X18", b"/X18")])
def test_phones_are_people(agent: bytes) -> None:
    assert is_person("GET", [(b"host", b"a"), (b"user-agent", agent)])


@pytest.mark.parametrize(
    "agent",
    [
        b"facebookexternalhit/1.1;line-poker/1.0",
        b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        b"Twitterbot/1.0",
        b"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        b"WhatsApp/2.23",
        b"Mozilla/5.0 (compatible; Discordbot/2.0)",
        b"TelegramBot (like TwitterBot)",
        b"Mozilla/5.0 HeadlessChrome/120",
        b"curl/8.5.0",
        b"Python/3.11 aiohttp/3.9",
        b"",
    ],
)
def test_programs_are_not(agent: bytes) -> None:
    assert not is_person("GET", [(b"user-agent", agent)])


@pytest.mark.parametrize(
    "header",
    [(b"purpose", b"prefetch"), (b"sec-purpose", b"prefetch;prerender"), (b"x-moz", b"Prefetch"),
     (b"x-purpose", b"preview")],
)  # fmt: skip
def test_nor_is_a_browser_that_fetches_ahead(header: tuple[bytes, bytes]) -> None:
    assert not is_person("GET", [(b"user-agent", PHONE), header])


def test_nor_is_who_asks_for_the_head_or_says_nothing() -> None:
    assert not is_person("HEAD", [(b"user-agent", PHONE)])
    assert not is_person("GET", [])
