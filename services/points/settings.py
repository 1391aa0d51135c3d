"""Settings of the points service's processes; `.env.example` explains each."""

from pydantic import SecretStr

from shared.settings import ProcessSettings

LINE = "https://api.line.me"


class PointsSettings(ProcessSettings):
    """What all of its processes need."""

    purchase_id_key: SecretStr
    qr_signing_key: SecretStr


class WebSettings(PointsSettings):
    """What the API and the pages need besides."""

    line_api_base: str = LINE
    line_login_channel_id: str
    liff_id: str
    liff_sdk_url: str | None = None
    redis_url: SecretStr
    rate_limit_per_second: int = 50

    @property
    def liff_sdk(self) -> str:
        """Where the page loads LIFF from: LINE's own, or what stands in for LINE."""
        if self.liff_sdk_url:
            return self.liff_sdk_url
        if self.line_api_base == LINE:
            return "https://static.line-scdn.net/liff/edge/2/sdk.js"
        return f"{self.line_api_base}/liff/sdk.js"
