"""The program document over HTTP: published whole or not at all, and read back to the letter."""

import asyncio

from tests.integration.points.shop import PLAIN, Points, owner


async def test_what_is_put_is_what_is_got(points: Points) -> None:
    text = '{"currency":"JPY","time_zone":"Asia/Tokyo",  "welcome": {"points": 7}}'
    put = await points.client.put("/v1/program", content=text, headers=owner())
    assert put.status_code == 200
    got = await points.client.get("/v1/program", headers=owner())
    assert got.text == text
    assert got.headers["etag"] == put.headers["etag"]


async def test_the_same_document_again_is_the_same_version(points: Points) -> None:
    first = await points.client.put("/v1/program", json=PLAIN, headers=owner())
    again = await points.client.put("/v1/program", json=PLAIN, headers=owner())
    assert again.json() == first.json()


async def test_every_problem_is_named_and_nothing_is_published(points: Points) -> None:
    bad = {
        **PLAIN,
        "time_zone": "Mars/Olympus",
        "accrual": {"rules": [{"id": "x", "type": "spend", "per": 0, "points": 1}]},
        "surprise": 1,
    }
    before = await points.client.get("/v1/program", headers=owner())
    answer = await points.client.put("/v1/program", json=bad, headers=owner())
    assert answer.status_code == 422
    paths = {error["path"] for error in answer.json()["errors"]}
    assert paths == {"time_zone", "accrual.rules[0].per", "surprise"}
    assert (await points.client.get("/v1/program", headers=owner())).text == before.text
    malformed = await points.client.put("/v1/program", content="{", headers=owner())
    assert malformed.status_code == 400


async def test_if_match_keeps_two_owners_from_overwriting_each_other(points: Points) -> None:
    etag = (await points.client.get("/v1/program", headers=owner())).headers["etag"]

    async def put(welcome: int) -> int:
        body = {**PLAIN, "welcome": {"points": welcome}}
        answer = await points.client.put(
            "/v1/program", json=body, headers={**owner(), "If-Match": etag}
        )
        return answer.status_code

    assert sorted(await asyncio.gather(put(1), put(2), put(3))) == [200, 412, 412]


async def test_versions_are_listed_newest_first(points: Points) -> None:
    await points.client.put(
        "/v1/program", json={**PLAIN, "welcome": {"points": 1}}, headers=owner()
    )
    versions = (await points.client.get("/v1/program/versions", headers=owner())).json()["items"]
    numbers = [version["version"] for version in versions]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 3
