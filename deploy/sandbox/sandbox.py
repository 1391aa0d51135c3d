"""The parts of the running sandbox that its HTTP routes share."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from deploy.sandbox.live import Watchers
from deploy.sandbox.platform import Platform
from deploy.sandbox.settings import SandboxSettings
from deploy.sandbox.webhook_sender import WebhookSender


@dataclass
class Sandbox:
    settings: SandboxSettings
    platform: Platform
    http: aiohttp.ClientSession
    sender: WebhookSender
    watchers: Watchers
    login_tokens: dict[str, float] = field(default_factory=dict)
    """The login channel's access tokens, each with its end in seconds."""
    login_codes: dict[str, Any] = field(default_factory=dict)
    """Codes that browsers were sent back with, until they are used (`authorize.Granted`)."""
    token_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def card_origin(self) -> str:
        """The origin of the pages that run in LIFF; the only foreign one that may ask us."""
        return str(URL(self.settings.card_url).origin())
