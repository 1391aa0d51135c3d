"""Settings of the points service's processes; `.env.example` explains each."""

from typing import Annotated
from urllib.parse import quote

from pydantic import Field, SecretStr

from shared.keys import Keys
from shared.settings import ProcessSettings, byte_keys, keys

LINE = "https://api.line.me"
ACCESS = "https://access.line.me"
ADD_FRIEND = "https://line.me"


class PointsSettings(ProcessSettings):
    """What all of its processes need."""

    purchase_id_key: SecretStr
    purchase_id_key_old: SecretStr | None = None
    qr_signing_key: SecretStr
    qr_signing_key_old: SecretStr | None = None

    @property
    def purchase_keys(self) -> Keys[bytes]:
        """What purchases' ids are marked with."""
        return byte_keys(self.purchase_id_key, self.purchase_id_key_old)

    @property
    def qr_keys(self) -> Keys[bytes]:
        """What codes are signed with."""
        return byte_keys(self.qr_signing_key, self.qr_signing_key_old)


class PersonalSettings(PointsSettings):
    """What those need besides who read or write what is kept of people; ranks do without."""

    personal_data_key: Annotated[SecretStr, Field(min_length=32)]
    personal_data_key_old: SecretStr | None = None

    @property
    def personal_keys(self) -> Keys[str]:
        """What members' data keys are locked away under."""
        return keys(self.personal_data_key, self.personal_data_key_old)


class SegmentsSettings(ProcessSettings):
    """What working on segments needs: in Redis it hears whether people wait."""

    redis_url: SecretStr


class HooksSettings(ProcessSettings):
    """What sending to the owner's other systems needs. `hooks_allow_private` lets it send to
    addresses that are not on the public internet, and by plain HTTP to this machine."""

    hooks_signing_key: SecretStr
    hooks_signing_key_old: SecretStr | None = None
    hooks_allow_private: bool = False

    @property
    def hooks_keys(self) -> Keys[bytes]:
        """What the secrets of outgoing webhooks follow from."""
        return byte_keys(self.hooks_signing_key, self.hooks_signing_key_old)


class WebSettings(PersonalSettings):
    """What the API and the pages need besides. The hooks' are those of HooksSettings; `public_url`
    is where browsers find the shop's pages; `line_basic_id` the account's: @shop. `session_key`
    signs what people who are signed in show, to this and the other services. With
    `line_login_channel_secret` they may sign in with LINE."""

    hooks_signing_key: SecretStr
    hooks_allow_private: bool = False
    line_api_base: str = LINE
    line_login_channel_id: str
    liff_id: str
    liff_sdk_url: str | None = None
    line_access_base: str | None = None
    line_basic_id: Annotated[str, Field(pattern=r"^(@[A-Za-z0-9._-]{1,40})?$")] = ""
    public_url: str = ""
    redis_url: SecretStr
    rate_limit_per_second: int = 50
    session_key: SecretStr
    session_key_old: SecretStr | None = None
    line_login_channel_secret: SecretStr | None = None

    @property
    def session_keys(self) -> Keys[str]:
        """What sessions are signed with, and one-time secrets sealed."""
        return keys(self.session_key, self.session_key_old)

    @property
    def liff_sdk(self) -> str:
        """Where the page loads LIFF from: LINE's own, or what stands in for LINE."""
        if self.liff_sdk_url:
            return self.liff_sdk_url
        if self.line_api_base == LINE:
            return "https://static.line-scdn.net/liff/edge/2/sdk.js"
        return f"{self.line_api_base}/liff/sdk.js"

    @property
    def access_base(self) -> str:
        """Where LINE's account link ends: LINE's own address, or what stands in for LINE."""
        if self.line_access_base:
            return self.line_access_base.rstrip("/")
        return ACCESS if self.line_api_base == LINE else self.line_api_base.rstrip("/")

    @property
    def add_friend_address(self) -> str:
        """Where LINE offers to add the shop's account as a friend; empty while no id is told."""
        if not self.line_basic_id:
            return ""
        base = ADD_FRIEND if self.line_api_base == LINE else self.access_base
        return f"{base}/R/ti/p/{quote(self.line_basic_id)}"
