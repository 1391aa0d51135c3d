"""The settings of the webhook service, from the environment."""

from pydantic import Field, SecretStr

from shared.keys import Keys
from shared.settings import ProcessSettings, byte_keys


class WebhookSettings(ProcessSettings):
    """`rate_limit_per_second` is a whole number of purchases for each API key."""

    redis_url: SecretStr
    line_channel_secret: SecretStr = Field(min_length=1)
    line_channel_secret_old: SecretStr | None = None
    purchase_id_key: SecretStr = Field(min_length=16)
    rate_limit_per_second: int = Field(default=50, ge=1, le=1_000_000)

    @property
    def channel_secrets(self) -> Keys[bytes]:
        """What LINE signs with; LINE changes at a moment that nobody here sees."""
        return byte_keys(self.line_channel_secret, self.line_channel_secret_old)
