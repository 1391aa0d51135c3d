"""Settings of the scheduler's processes; `.env.example` explains each."""

from pydantic import SecretStr

from shared.settings import ProcessSettings


class WorkerSettings(ProcessSettings):
    """The worker needs what every process needs and nothing more."""


class SchedulerWebSettings(ProcessSettings):
    """What the API and the page need besides. `rate_limit_per_second` is of one API key."""

    redis_url: SecretStr
    rate_limit_per_second: int = 50
