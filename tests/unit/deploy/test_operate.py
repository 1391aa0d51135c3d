"""docs/operate.md: its commands do to `.env` what it says. docs/*.md: what they name exists."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [
    "operate.md",
    "kubernetes.md",
    "line-channel.md",
    "line-channel.ja.md",
    "till.md",
    "till.ja.md",
    "webhooks-out.md",
    "program.md",
    "members.md",
    "privacy.md",
    "broadcasts.md",
    "links-and-routes.md",
    "segments.md",
    "rich-menus.md",
    "messages.md",
    "messages-quota.md",
    "metrics.md",
]
FOR_LINE = {
    "LINE_CHANNEL_SECRET",
    "LINE_CHANNEL_ACCESS_TOKEN",
    "LINE_LOGIN_CHANNEL_ID",
    "LINE_LOGIN_CHANNEL_SECRET",
    "LIFF_ID",
    "LINE_BASIC_ID",
}
FOR_A_SHOP = {"POS_API_KEY", "OWNER_API_KEY"}


def commands(mark: str) -> str:
    """The block of shell commands under `<!-- mark -->`."""
    page = (ROOT / "docs" / "operate.md").read_text()
    block = re.search(rf"<!-- {mark} -->\s*```sh\n(.*?)```", page, re.DOTALL)
    assert block, mark
    return block[1]


def run(folder: Path, *marks: str) -> dict[str, str]:
    """`.env` after these blocks, each run twice, as somebody might."""
    shutil.copy(ROOT / ".env.example", folder / ".env.example")
    for mark in marks:
        subprocess.run(["sh", "-euc", commands(mark)], cwd=folder, check=True)
    once = (folder / ".env").read_text()
    for mark in marks:
        subprocess.run(["sh", "-euc", commands(mark)], cwd=folder, check=True)
    assert (folder / ".env").read_text() == once
    lines = once.splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def empty(values: dict[str, str]) -> set[str]:
    return {name for name, value in values.items() if not value}


def test_the_first_block_makes_every_secret_and_no_two_alike(tmp_path: Path) -> None:
    values = run(tmp_path, "settings")
    assert empty(values) == FOR_LINE | FOR_A_SHOP
    made = [value for value in values.values() if re.fullmatch("[0-9a-f]{64}", value)]
    assert len(made) == len(set(made)) == 12
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_a_domain_is_published_with_https(tmp_path: Path) -> None:
    values = run(tmp_path, "settings", "domain")
    assert values["EDGE_ADDRESS"] == "shop.example.jp"
    assert values["PUBLIC_URL"] == "https://shop.example.jp"
    assert (values["EDGE_HTTP_PUBLISH"], values["EDGE_HTTPS_PUBLISH"]) == ("80", "443")


def test_the_sandbox_needs_nothing_else(tmp_path: Path) -> None:
    values = run(tmp_path, "settings", "shop", "sandbox")
    assert empty(values) == set()
    assert values["COMPOSE_PROFILES"] == "demo"
    assert values["LINE_API_BASE"] == "http://sandbox.localhost:8090"
    assert values["LIFF_ID"].startswith(values["LINE_LOGIN_CHANNEL_ID"] + "-")
    assert values["POS_API_KEY"].startswith("tmr_pos_")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", text):
        if target != "../README.md":
            assert (ROOT / "docs" / target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_settings_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    example = (ROOT / ".env.example").read_text()
    for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", text):
        assert re.search(rf"^#?{name}=", example, re.MULTILINE), name


@pytest.mark.parametrize("page", ["line-channel", "till"])
def test_both_languages_have_the_same_parts_and_examples(page: str) -> None:
    english, japanese = (
        (ROOT / "docs" / f"{page}{ending}").read_text() for ending in (".md", ".ja.md")
    )
    for pattern in (r"^#+ ", r"^\s*\|", r"^\s*\d+\. "):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (english, japanese)]
        assert counts[0] == counts[1], pattern
    blocks = [
        [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "curl" in block]
        for text in (english, japanese)
    ]
    assert blocks[0] == blocks[1]


def test_a_key_changes_places_with_the_one_before(tmp_path: Path) -> None:
    before = run(tmp_path, "settings")["QR_SIGNING_KEY"]
    for _ in range(2):  # also when it was done before
        subprocess.run(["sh", "-euc", commands("rotate")], cwd=tmp_path, check=True)
        lines = (tmp_path / ".env").read_text().splitlines()
        values = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
        assert values["QR_SIGNING_KEY_OLD"] == before != values["QR_SIGNING_KEY"]
        assert sum(line.startswith("QR_SIGNING_KEY") for line in lines) == 2
        before = values["QR_SIGNING_KEY"]
