"""The pages of rules, ranks and segments: who sees what, in both languages, and nothing that
somebody wrote becomes markup."""

from typing import Any
from uuid import uuid4

from tests.integration.points.shop import PLAIN, Points, owner
from tests.staff import signed_in

SEEN_BY_VIEWERS = (
    "/console/program",
    "/console/program/example?amount=1,000",
    "/console/program/history",
    "/console/program/history/1/changes",
    "/console/program/history/1/back",
    "/console/program/backtests",
    "/console/ranks",
    "/console/segments",
    "/console/segments/points-1000-and-more",
    "/console/segments/everybody/count",
    "/console/segments/everybody/sample",
)
FOR_CHANGERS = ("/console/program/edit", "/console/ranks/edit", "/console/segments/new")
NASTY = "<script>alert(1)</script>{x}\"'&"


async def get(points: Points, path: str, role: str = "owner", **more: str) -> Any:
    sent = signed_in(role)
    sent["headers"] |= more
    return await points.client.get(path, **sent)


async def test_whoever_reads_the_console_sees_it(points: Points) -> None:
    for path in SEEN_BY_VIEWERS:
        for role, language in (("viewer", "ja"), ("owner", "en")):
            answer = await get(points, path, role, **{"accept-language": language})
            assert answer.status_code == 200, (path, answer.text)
        assert (await get(points, path, "staff")).status_code == 403, path
        assert (await points.client.get(path)).status_code == 303, path


async def test_only_who_may_change_it_gets_the_editor(points: Points) -> None:
    for path in FOR_CHANGERS:
        assert (await get(points, path, "manager")).status_code == 200, path
        for role in ("viewer", "staff"):
            assert (await get(points, path, role)).status_code == 403, path


async def test_the_rules_are_said_in_either_language(points: Points) -> None:
    page = (await get(points, "/console/program", **{"accept-language": "ja"})).text
    assert "100円ごとに1ポイント" in page
    page = (await get(points, "/console/program", **{"accept-language": "en"})).text
    assert "1 point per ¥100" in page


async def test_an_example_answers_whatever_is_typed(points: Points) -> None:
    async def shown(amount: str) -> str:
        answer = await get(points, f"/console/program/example?amount={amount}")
        assert answer.status_code == 200
        return str(answer.text)

    assert ">30<" in await shown("３,０００")
    assert ">0<" in await shown("abc")
    assert ">10,000,000<" in await shown("9" * 30)


async def test_what_was_written_stays_text(points: Points) -> None:
    rule = {"id": NASTY, "name": NASTY, "type": "spend", "per": 100, "points": 1}
    document = {
        **PLAIN,
        "accrual": {"rules": [rule]},
        "ranks": {"levels": [{"code": NASTY, "name": NASTY, "requires": {"visits": 1}}]},
    }
    put = await points.client.put("/v1/program", json=document, headers=owner())
    assert put.status_code == 200, put.text
    body = {"name": NASTY, "definition": {"tags": {"any": [NASTY]}}}
    put = await points.client.put("/v1/segments/nasty", json=body, headers=owner())
    assert put.status_code == 200, put.text
    body = {"document": {"</script><script>alert(2)</script>": NASTY}, "base": 3}
    await points.client.put("/v1/program/draft", json=body, headers=owner())
    pages = (*SEEN_BY_VIEWERS, *FOR_CHANGERS, "/console/segments/nasty")
    for path in pages:
        answer = await get(points, path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text, path
    versions = (await get(points, "/console/program/history/3/changes")).text
    assert "&lt;script&gt;alert(1)" in versions


async def test_a_draft_and_a_version_to_come_are_told(points: Points) -> None:
    address = "/v1/program?effective_from=2999-01-01"
    later = {**PLAIN, "welcome": {"points": 1}}
    assert (await points.client.put(address, json=later, headers=owner())).status_code == 200
    body = {"document": {"welcome": {"points": 9}}, "base": 1}
    await points.client.put("/v1/program/draft", json=body, headers=owner())
    page = (await get(points, "/console/program", **{"accept-language": "en"})).text
    assert "Version 3 takes over on" in page
    assert "There is a draft" in page
    history = (await get(points, "/console/program/history")).text
    assert 'data-api="DELETE /v1/program/versions/3"' in history
    seen = (await get(points, "/console/program/history", "viewer")).text
    assert "data-api" not in seen


async def test_the_editor_begins_from_the_draft_and_says_when_it_is_behind(points: Points) -> None:
    fresh = (await get(points, "/console/program/edit")).text
    assert '"revision": 0, "base": 2' in fresh
    assert "data-take-over" not in fresh
    body = {"document": {"welcome": {"points": 9}}, "base": 1}
    await points.client.put("/v1/program/draft", json=body, headers=owner())
    await points.client.put("/v1/program", json={"welcome": {"points": 3}}, headers=owner())
    behind = (await get(points, "/console/program/edit")).text
    assert '"document": {"welcome": {"points": 9}}' in behind
    assert "data-take-over" in behind


async def test_what_is_not_there_is_not_there(points: Points) -> None:
    for path in (
        "/console/program/history/99/changes",
        f"/console/program/backtests/{uuid4()}",
        "/console/segments/none-such",
        "/console/segments/none-such/count",
    ):
        assert (await get(points, path)).status_code == 404
    answer = await get(points, "/console/segments/sample?definition={")
    assert answer.status_code == 422


async def test_a_backtest_is_followed_to_its_end(points: Points) -> None:
    sent = signed_in("owner", key="a-run")
    body = {"program": PLAIN, "from": "2026-01-01"}
    asked = await points.client.post("/v1/program/backtests", json=body, **sent)
    assert asked.status_code == 202, asked.text
    path = f"/console/program/backtests/{asked.json()['id']}"
    running = (await get(points, path)).text
    assert f'hx-get="{path}"' in running
    part = (await get(points, path, **{"hx-request": "true"})).text
    assert "<html" not in part
    gone = await points.client.delete(f"/v1/program/backtests/{asked.json()['id']}", **sent)
    assert gone.status_code == 200
    assert "hx-get" not in (await get(points, path, **{"hx-request": "true"})).text


async def test_ranks_show_who_stands_where(points: Points) -> None:
    await points.follow("Urank")
    await points.member("Urank")
    page = (await get(points, "/console/ranks", **{"accept-language": "en"})).text
    assert "シルバー" in page
    assert "2 visits and 100 points" in page
    assert "1 member<" in page


async def test_a_viewer_reads_a_segment_and_changes_nothing(points: Points) -> None:
    page = (await get(points, "/console/segments/everybody", "viewer")).text
    assert "builder.js" not in page
    assert "data-api" not in page


async def test_the_audit_log_has_what_changed_and_who(points: Points) -> None:
    sent = signed_in("manager", key="back")
    changed = {**PLAIN, "welcome": {"points": 70}}
    put = await points.client.put("/v1/program", json=changed, **sent)
    assert put.status_code == 200, put.text
    back = await points.client.post("/v1/program/versions/2/rollback", **sent)
    assert back.status_code == 201, back.text
    first, second = (await points.told("staff.acted.v1"))[-2:]
    assert (first["target"], first["before"]) == ("program:3", {"welcome.points": 50})
    assert first["after"] == {"welcome.points": 70}
    assert (second["target"], second["after"]) == ("program:4", {"welcome.points": 50})
    history = (await get(points, "/console/program/history")).text
    assert "第4版" in history
