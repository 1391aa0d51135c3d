"""The settings of the webhook service, from the environment."""

from pydantic import Field, SecretStr

from shared.settings import ProcessSettings


class WebhookSettings(ProcessSettings):
    """`rate_limit_per_second` is a whole number of purchases for each API key."""

    redis_url: SecretStr
    line_channel_secret: SecretStr = Field(min_length=1)
    purchase_id_key: SecretStr = Field(min_length=16)
    rate_limit_per_second: int = Field(default=50, ge=1, le=1_000_000)
