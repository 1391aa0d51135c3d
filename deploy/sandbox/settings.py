"""What the sandbox is told by its environment. It has no other configuration."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class SandboxSettings(BaseSettings):
    """Secrets are those that the services have too, since they speak to this as to LINE."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    http_host: str = "127.0.0.1"  # whoever reaches this can act as any user: never the open net
    http_port: int = 8090
    log_level: str = "INFO"
    log_format: str = "json"
    edge_url: str  # where webhooks and the till's purchases are sent
    public_url: str = ""  # the edge as a browser reaches it, where that is another address
    line_channel_secret: SecretStr
    line_channel_access_token: SecretStr
    line_login_channel_id: str
    line_login_channel_secret: SecretStr | None = None  # not given: any is taken
    liff_id: str
    pos_api_key: SecretStr | None = None  # for the till panel
    owner_api_key: SecretStr | None = None  # lets the till panel look up the phone's card
    account_name: str = "たまる商店"

    @property
    def webhook_url(self) -> str:
        """Where LINE sends webhooks, as its console would be told."""
        return f"{self.shop_url}/line/webhook"

    def reached(self, url: str) -> str:
        """Where `url` is to be asked for from here: the shop's pages at the edge."""
        rest = url.removeprefix(self.shop_url)
        return self.edge_url.rstrip("/") + rest if rest != url and rest.startswith("/") else url

    @property
    def card_url(self) -> str:
        """Where the LIFF app of `liff_id` lives, as LINE's console would be told."""
        return f"{self.shop_url}/card"

    @property
    def shop_url(self) -> str:
        """The shop's own pages, as a browser reaches them."""
        return (self.public_url or self.edge_url).rstrip("/")
