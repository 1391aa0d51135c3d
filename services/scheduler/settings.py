"""Settings of the scheduler's processes; `.env.example` explains each."""

from shared.settings import ProcessSettings


class WorkerSettings(ProcessSettings):
    """The worker needs what every process needs and nothing more."""
