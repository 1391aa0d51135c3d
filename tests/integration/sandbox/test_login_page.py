"""Where `liff.login()` leads a plain browser: somebody is chosen, and goes back to the card."""

from typing import Any

import pytest


async def login(client: Any, back: str) -> tuple[int, str]:
    params = {"redirect_uri": back}
    async with client.http.get(f"{client.base}/liff/login", params=params) as answer:
        return answer.status, await answer.text()


async def test_whoever_is_chosen_goes_back_to_where_they_were(client: Any, edge: Any) -> None:
    user = await client.user(follow=True)
    status, page = await login(client, f"{edge.url}/card/visit?c=V1&x=%22#old")
    assert status == 200
    assert f'href="{edge.url}/card/visit?c=V1&amp;x=%22#sandbox-user={user}"' in page
    assert "<script" not in page


@pytest.mark.parametrize(
    "back",
    [
        *("", "https://evil.example/card", "javascript:alert(1)"),
        *("/card", "{edge}/console", "{edge}/cards"),
    ],
)
async def test_nobody_is_led_anywhere_else(client: Any, edge: Any, back: str) -> None:
    await client.user(follow=True)
    status, page = await login(client, back.format(edge=edge.url))
    assert status == 400
    assert "href" not in page
