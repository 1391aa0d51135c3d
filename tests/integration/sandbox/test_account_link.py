"""LINE's account link: a token once, a webhook with the nonce, nothing for what is not good."""

import json
from typing import Any

import pytest

NONCE = "n" * 32


def links(edge: Any) -> list[dict[str, Any]]:
    events = [event for _, body in edge.got for event in json.loads(body)["events"]]
    return [event for event in events if event["type"] == "accountLink"]


async def dialog(client: Any, token: str, nonce: str = NONCE) -> int:
    query = f"linkToken={token}&nonce={nonce}"
    async with client.http.get(f"{client.base}/dialog/bot/accountLink?{query}") as answer:
        await answer.read()
        return int(answer.status)


async def token_of(client: Any, user: str) -> str:
    status, answer, _ = await client.line("POST", f"/v2/bot/user/{user}/linkToken")
    assert status == 200
    return str(answer["linkToken"])


async def test_the_nonce_comes_back_once_from_the_user_of_the_token(
    client: Any, edge: Any, until: Any
) -> None:
    user = await client.user(follow=True)
    token = await token_of(client, user)
    assert await dialog(client, token) == 200
    await until(lambda: links(edge))
    (event,) = links(edge)
    assert event["link"] == {"result": "ok", "nonce": NONCE}
    assert event["source"] == {"type": "user", "userId": user}
    assert event["replyToken"]
    assert await dialog(client, token) == 400
    assert len(links(edge)) == 1


@pytest.mark.parametrize("nonce", ["", "n" * 9, "n" * 256])
async def test_a_nonce_of_a_length_that_line_refuses(client: Any, edge: Any, nonce: str) -> None:
    user = await client.user(follow=True)
    token = await token_of(client, user)
    assert await dialog(client, token, nonce) == 400
    assert await dialog(client, token) == 200  # it did not use the token up


async def test_an_unknown_token_links_nobody(client: Any, edge: Any) -> None:
    assert await dialog(client, "0" * 32) == 400
    assert links(edge) == []
