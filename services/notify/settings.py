"""Settings of the notify service, from the environment."""

from pydantic import Field, SecretStr

from shared.keys import Keys
from shared.settings import ProcessSettings, keys


class NotifySettings(ProcessSettings):
    """`line_rate_per_second` is shared by all replicas, for each of LINE's endpoints on its own
    (LINE's limit is 2,000); `line_concurrency` is how many calls one process has open while LINE
    answers quickly. `line_multicast_rate_per_second` is of calls, each for up to 500 people (LINE's
    limit is 200); broadcasts' personal messages take `line_broadcast_share_percent` of the pushes a
    second at most. `public_url` is where customers' browsers find the shop's pages; without it
    cards are linked by the till's code only. `liff_id` opens the card inside LINE, from rich menus;
    their images go to `line_data_api_base`, which follows from `line_api_base` when empty.
    `rich_menus_at_start` puts the shipped ones up unasked, over what the account may show."""

    redis_url: SecretStr
    line_api_base: str = "https://api.line.me"
    line_channel_access_token: SecretStr
    line_rate_per_second: int = 1800
    line_concurrency: int = 64
    line_multicast_rate_per_second: int = Field(default=6, ge=1)
    line_broadcast_share_percent: int = Field(default=50, ge=1, le=100)
    public_url: str = ""
    liff_id: str = ""
    line_data_api_base: str = ""
    rich_menus_at_start: bool = False

    @property
    def personal_broadcast_rate(self) -> int:
        """Pushes a second that broadcasts may take."""
        return max(1, self.line_rate_per_second * self.line_broadcast_share_percent // 100)


class NotifyWebSettings(NotifySettings):
    """What the API and the pages need besides. `rate_limit_per_second` is of one API key;
    `line_login_channel_id` is whose ID tokens customers' pages show; `session_key` signs what
    people who are signed in show."""

    rate_limit_per_second: int = 50
    session_key: SecretStr
    session_key_old: SecretStr | None = None
    line_login_channel_id: str
    line_login_channel_secret: SecretStr | None = None

    @property
    def session_keys(self) -> Keys[str]:
        """What sessions are signed with."""
        return keys(self.session_key, self.session_key_old)
