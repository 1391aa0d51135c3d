"""LINE's own client and LINE's own OpenAPI file, against a real sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from linebot.v3.messaging import AsyncApiClient, AsyncMessagingApi, Configuration
from pydantic import SecretStr

from deploy.sandbox.people import User
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.server import Running, running
from deploy.sandbox.settings import SandboxSettings
from deploy.sandbox.user_acts import follow
from shared import clock
from tests.conformance.openapi import document


@pytest.fixture
async def started() -> AsyncIterator[Running]:
    settings = SandboxSettings(
        http_host="127.0.0.1",
        http_port=0,
        edge_url="http://127.0.0.1:9",
        line_channel_secret=SecretStr("secret"),
        line_channel_access_token=SecretStr("token"),
        line_login_channel_id="1234567890",
        liff_id="1234567890-abcdefgh",
    )
    async with running(settings, clock.now) as up:
        yield up


@pytest.fixture
def sandbox(started: Running) -> Sandbox:
    return started.sandbox


@pytest.fixture
def base(started: Running) -> str:
    return f"http://127.0.0.1:{started.port}"


@pytest.fixture
def friend(sandbox: Sandbox) -> User:
    user = sandbox.platform.people.add("はなこ")
    follow(sandbox.platform, user)
    return user


@pytest.fixture
async def line(base: str) -> AsyncIterator[AsyncMessagingApi]:
    async with AsyncApiClient(Configuration(host=base, access_token="token")) as client:
        yield AsyncMessagingApi(client)


@pytest.fixture(scope="session")
def messaging_document() -> Any:
    return document("messaging-api.yml")


@pytest.fixture(scope="session")
def webhook_document() -> Any:
    return document("webhook.yml")
