"""Settings of the scheduler's processes; `.env.example` explains each."""

from pydantic import SecretStr

from shared.keys import Keys
from shared.settings import ProcessSettings, keys


class WorkerSettings(ProcessSettings):
    """The worker needs what every process needs and nothing more."""


class SchedulerWebSettings(ProcessSettings):
    """What the API and the page need besides. `rate_limit_per_second` is of one API key;
    `session_key` signs what people who are signed in show, `public_url` is where they open pages.
    """

    redis_url: SecretStr
    rate_limit_per_second: int = 50
    session_key: SecretStr
    session_key_old: SecretStr | None = None
    public_url: str = ""

    @property
    def session_keys(self) -> Keys[str]:
        """What sessions are signed with."""
        return keys(self.session_key, self.session_key_old)
