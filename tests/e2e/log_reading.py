"""What a whole run has written to its logs, held against what must never stand there: secrets, and
who the customers and the people who work here are."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import asyncpg

from deploy.local.files import read_env
from deploy.local.layout import Layout
from deploy.local.stack import Stack
from services.points.store import phones, sealed
from shared.keys import Keys

NOT_SECRET = {"LINE_LOGIN_CHANNEL_ID", "LIFF_ID"}
"""Made with the secrets, and in every page's address."""

FORMS: Mapping[str, re.Pattern[str]] = {
    "an API key": re.compile(r"tmr_(?:pos|own|read)_[\w-]{8,}"),
    "a LINE user id": re.compile(r"\bU[0-9a-f]{32}\b"),
    "an ID token": re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}\."),
    "a webhook's secret": re.compile(r"\bwhsec_[\w+/]{8,}"),
    "a member's code": re.compile(r"\bT1\.[A-Z2-7]{32}\."),
    "a visit's code": re.compile(r"\b[VP]1\.[A-Z2-7]{26,32}\."),
    "a key that is shown": re.compile(r"\bBearer\s+[\w.~+/-]{8,}", re.IGNORECASE),
    "a cookie of ours": re.compile(r"\btamaru_\w+=[\w.-]{8,}"),
    "an invitation": re.compile(r"/invitation/[\w-]{20,}"),
    "a query": re.compile(r"[?&](?:code|state|linkToken|c|access_token|id_token)=[\w.%-]{6,}"),
    "a telephone number": re.compile(r"(?<![\d.])0[789]0-?\d{4}-?\d{4}(?!\d)"),
    "an e-mail address": re.compile(r"\b[\w.+-]+@(?:[\w-]+\.)+(?:com|jp|net|org|test)\b"),
}
NAMES = """
SELECT 'a card', card FROM points.members WHERE card IS NOT NULL
UNION ALL SELECT 'a LINE user id', line_user_id FROM points.members WHERE line_user_id IS NOT NULL
UNION ALL SELECT 'a name in LINE', name FROM points.line_names WHERE name IS NOT NULL
UNION ALL SELECT 'a login', login FROM points.staff WHERE login IS NOT NULL
UNION ALL SELECT 'a name of staff', name FROM points.staff
"""
SHORTEST, SHORTEST_PLAIN, DIFFERENT = 2, 7, 4
"""Characters of a name that is looked for, and of one in plain letters, which may be any word: then
so many have to differ, since whoever calls everything names people `0000000`."""


async def private_words(stack: Stack) -> dict[str, str]:
    """Each word that no log may carry, and what it is."""
    kept = read_env(Layout(stack.folder).secrets)
    words = {value: name for name, value in kept.items() if name not in NOT_SECRET}
    search_path = {"search_path": "points"}
    connection = await asyncpg.connect(stack.env["DATABASE_URL"], server_settings=search_path)
    try:
        for what, word in [*await connection.fetch(NAMES), *await _phones(connection, kept)]:
            if is_telling(word):
                words.setdefault(word, what)
    finally:
        await connection.close()
    return words


async def _phones(
    connection: asyncpg.Connection, secrets: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Phones, which are locked away."""
    sealed.use(Keys(secrets["PERSONAL_DATA_KEY"]))
    members = [row["id"] for row in await connection.fetch("SELECT id FROM members")]
    return [("a phone", number) for number in (await phones.of(connection, members)).values()]


def is_telling(word: str) -> bool:
    """Whether a name is found by chance nowhere."""
    if word.isascii():
        return len(word) >= SHORTEST_PLAIN and len(set(word)) >= DIFFERENT
    return len(word) >= SHORTEST and word.isprintable()


def leaks(folder: Path, words: Mapping[str, str]) -> list[str]:
    """Where a log of this folder carries one of these words, or anything of such a form; told
    without the word itself."""
    some = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))) or r"(?!)")
    return [leak for file in sorted(folder.glob("*.log")) for leak in _in(file, some, words)]


def _in(file: Path, some: re.Pattern[str], words: Mapping[str, str]) -> Iterator[str]:
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            text = line.encode().decode("unicode_escape", "replace") if "\\u" in line else line
            found = [words[each] for each in some.findall(text)]
            found += [what for what, form in FORMS.items() if form.search(text)]
            for what in dict.fromkeys(found):
                yield f"{file.name}:{number}: {what}"
