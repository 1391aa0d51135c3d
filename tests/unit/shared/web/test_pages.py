"""Pages: their policy, their languages, what is escaped, addresses of files, errors as pages."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from shared.problems import Problem, install
from shared.web import pages
from shared.web.pages import Pages

STAFF = SimpleNamespace(name="<b>花子</b>", role="owner", csrf="token-of-the-session")


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    """A service with one page and one file."""
    (tmp_path / "page.html").write_text(
        '{% extends "console.html" %}{% block main %}'
        '<h1>{{ t("会員", "Members") }}</h1><p>{{ t("{n}さん", "Dear {n}", n=name) }}</p>'
        '<script src="{{ asset("/static/own/a.js") }}"></script>{% endblock %}'
    )
    (tmp_path / "a.js").write_text("1")
    made = Pages(tmp_path, {"/static/own": tmp_path})
    app = FastAPI()
    install(app)
    pages.install(app, made)

    @app.get("/page")
    async def page(request: Request) -> Any:
        request.state.staff = STAFF
        return made.render(request, "page.html", name="<i>はな</i>")

    @app.get("/refused")
    async def refused() -> None:
        raise Problem(403, "owner-only", "This needs <an owner>.")

    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_nothing_but_our_own_files_may_run_and_nobody_may_frame_it(client: Any) -> None:
    answer = await client.get("/page")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"


async def test_japanese_first_english_for_who_prefers_or_chose_it(client: Any) -> None:
    assert "<h1>会員</h1>" in (await client.get("/page")).text
    english = {"accept-language": "en-GB,en;q=0.9"}
    assert "<h1>Members</h1>" in (await client.get("/page", headers=english)).text
    chosen = english | {"cookie": "lang=ja"}
    assert '<html lang="ja">' in (await client.get("/page", headers=chosen)).text
    odd = {"cookie": "lang=<script>"}
    assert '<html lang="ja">' in (await client.get("/page", headers=odd)).text


async def test_what_is_filled_in_is_escaped(client: Any) -> None:
    text = (await client.get("/page")).text
    assert "&lt;i&gt;はな&lt;/i&gt;さん" in text
    assert "<i>" not in text
    assert "&lt;b&gt;花子" in text
    assert 'content="token-of-the-session"' in text


async def test_a_file_is_kept_for_ever_only_by_the_address_of_its_content(client: Any) -> None:
    found = re.search(r"/static/own/a\.js\?v=(\w+)", (await client.get("/page")).text)
    assert found
    named = await client.get(found[0])
    assert "immutable" in named.headers["cache-control"]
    for address in ("/static/own/a.js", "/static/own/a.js?v=old"):
        assert (await client.get(address)).headers["cache-control"] == "no-cache"
    assert (await client.get("/static/own/%2e%2e/test_pages.py")).status_code == 404


async def test_who_opens_a_page_gets_an_error_as_a_page_and_a_script_its_details(
    client: Any,
) -> None:
    browser = {"accept": "text/html,application/xhtml+xml"}
    answer = await client.get("/refused", headers=browser)
    assert answer.status_code == 403
    assert "この操作の権限がありません" in answer.text
    assert "&lt;an owner&gt;" in answer.text
    assert (await client.get("/nowhere", headers=browser)).status_code == 404
    for headers in ({}, browser | {"hx-request": "true"}):
        answer = await client.get("/refused", headers=headers)
        assert answer.json()["type"].endswith(":owner-only")


async def test_a_chart_is_a_table_that_a_script_draws(tmp_path: Path) -> None:
    (tmp_path / "chart.html").write_text(
        '{% from "components.html" import chart with context %}'
        '{{ chart("c", "<i>", "line", "Day", ["A", "B"], [("11/27", 1200, none)], " pt") }}'
    )
    made = Pages(tmp_path, {})
    request = Request({"type": "http", "path": "/", "headers": []})
    html = bytes(made.render(request, "chart.html").body).decode()
    assert 'data-chart="line" data-library="/static/shared/vendor/chart.min.js' in html
    assert "&lt;i&gt;" in html
    assert '<td class="figure" data-value="1200">1,200 pt</td>' in html
    assert '<td class="figure" data-value="">–</td>' in html, "a gap, not a zero"
