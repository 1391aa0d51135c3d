"""Nobody is led from our pages to somebody else's by an address that was put into `next`."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.staff import own_path

HERE = "https://shop.example"
PARTS = st.sampled_from(
    ["/", "\\", "//", "http:", "evil.example", "@", "\t", "\n", "%2f", "?", "a"]
)


@pytest.mark.parametrize("path", ["/console", "/console/members?q=a&b=%E5%B1%B1#x", "/counter/1"])
def test_paths_of_ours_are_kept(path: str):
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "console",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/console",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        " /console",
        "/a\r\nSet-Cookie: x=y",
        "/" + "a" * 2000,
        "http:/evil.example",
        "/\u3000",
    ],
)
def test_whatever_else_leads_home(path: str):
    assert own_path(path) == "/console"


@given(st.lists(PARTS, max_size=8).map("".join) | st.text(max_size=40))
def test_a_browser_never_leaves(path: str):
    kept = own_path(path, "/console")
    for read in (kept, kept.replace("\\", "/"), kept.replace("\t", "").replace("\n", "")):
        assert urlsplit(urljoin(f"{HERE}/session/renew", read)).netloc == "shop.example"
    assert kept.startswith("/")
