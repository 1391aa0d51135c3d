"""The draft of the program, what a document says, and what it would give."""

from typing import Any

from tests.integration.points.shop import PLAIN, Points, owner, pos

DRAFT = "/v1/program/draft"


async def put(points: Points, **body: Any) -> Any:
    return await points.client.put(DRAFT, json=body, headers=owner())


async def test_a_draft_is_kept_as_it_was_written_valid_or_not(points: Points) -> None:
    assert (await points.client.get(DRAFT, headers=owner())).status_code == 404
    document = {"accrual": {"rules": [{"id": "x", "future": [1, {"a": None}]}]}, "ζ": "<b>"}
    saved = await put(points, document=document, base=1, revision=0)
    assert saved.status_code == 200, saved.text
    assert saved.json()["revision"] == 1
    read = (await points.client.get(DRAFT, headers=owner())).json()
    assert (read["document"], read["base"]) == (document, 1)


async def test_who_saw_an_older_draft_overwrites_nothing(points: Points) -> None:
    await put(points, document={"a": 1}, base=1, revision=0)
    await put(points, document={"a": 2}, base=1, revision=1)
    late = await put(points, document={"a": 3}, base=1, revision=1)
    assert (late.status_code, late.json()["type"].split(":")[-1]) == (409, "draft-changed")
    assert (await points.client.get(DRAFT, headers=owner())).json()["document"] == {"a": 2}
    assert (await put(points, document={"a": 4}, base=2)).json()["revision"] == 3


async def test_a_draft_is_thrown_away(points: Points) -> None:
    await put(points, document={}, base=1)
    for _ in range(2):
        assert (await points.client.delete(DRAFT, headers=owner())).status_code == 204
    assert (await points.client.get(DRAFT, headers=owner())).status_code == 404
    assert (await put(points, document={}, base=1, revision=0)).status_code == 200


async def test_tills_neither_read_nor_write_drafts(points: Points) -> None:
    assert (await points.client.get(DRAFT, headers=pos())).status_code == 403
    body = {"document": {}, "base": 0}
    assert (await points.client.put(DRAFT, json=body, headers=pos())).status_code == 403
    assert (await points.client.delete(DRAFT, headers=pos())).status_code == 403


async def test_a_check_says_what_the_document_says(points: Points) -> None:
    rules = [{"id": "base", "type": "spend", "per": 200, "points": 1, "when": {"stores": ["main"]}}]
    answer = await points.client.post(
        "/v1/program/check", json={"accrual": {"rules": rules}}, headers=owner()
    )
    said = {each["path"]: each["text"] for each in answer.json()["sentences"]}
    assert said["accrual.rules[0]"]["en"].startswith("1 point per ¥200, at “")
    broken = await points.client.post("/v1/program/check", json={"welcome": 1}, headers=owner())
    (problem,) = broken.json()["problems"]
    assert (problem["path"], problem["text"]["en"]) == ("welcome", problem["message"])
    assert problem["text"]["ja"] != problem["message"]


async def test_a_purchase_is_tried_by_a_draft_and_by_the_rules_in_force(points: Points) -> None:
    async def tried(**body: Any) -> Any:
        answer = await points.client.post("/v1/program/trial", json=body, headers=pos())
        return answer.status_code, answer.json()

    rules = [{"id": "base", "type": "spend", "per": 100, "points": 3}]
    draft = {"accrual": {"rules": rules}}
    day = {"day": "2026-11-28", "time": "12:00"}
    assert (await tried(total=1000, **day))[1]["points"] == 1000 // PLAIN_STEP
    status, found = await tried(total=1000, program=draft, **day)
    assert (status, found["points"], found["visits"]) == (200, 30, 1)
    assert found["why"][0]["en"] == "¥1,000 spent × 3 points per ¥100 = 30 points"
    assert (await tried(total=1, program={"welcome": 1}))[0] == 422
    assert (await tried(total=1, day="9999-12-31"))[0] == 422
    assert (await tried(total=1, tax=2))[0] == 422


PLAIN_STEP = PLAIN["accrual"]["rules"][0]["per"]
