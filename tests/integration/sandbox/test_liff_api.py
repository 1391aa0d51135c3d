"""The LIFF server API: which apps there are, for who has a token of the login channel."""

from typing import Any


async def test_the_cards_app_is_listed_for_a_token_of_its_channel(client: Any, edge: Any) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": "1234567890",
        "client_secret": "whatever",
    }
    url = f"{client.base}/oauth2/v3/token"
    async with client.http.post(url, data={**form, "client_id": "1"}) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_client")
    async with client.http.post(url, data=form) as answer:
        token = (await answer.json())["access_token"]
    assert (await client.line("GET", "/liff/v1/apps"))[0] == 401
    status, found, _ = await client.line("GET", "/liff/v1/apps", authorization=f"Bearer {token}")
    assert status == 200
    assert [(app["liffId"], app["view"]["url"]) for app in found["apps"]] == [
        ("1234567890-abcdefgh", f"{edge.url}/card")
    ]
