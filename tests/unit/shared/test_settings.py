"""Settings: a missing or wrong one ends the start with its name and prints no value."""

import pytest
from pydantic import SecretStr

from shared.settings import ProcessSettings, load


class Example(ProcessSettings):
    api_secret: SecretStr
    limit: int = 5


GOOD = {
    "DATABASE_URL": "postgresql://u:hidden-1@h/d",
    "AMQP_URL": "amqp://u:hidden-2@h/",
    "API_SECRET": "hidden-3",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*GOOD, "HTTP_PORT", "LIMIT", "BUS_NAMESPACE", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_environment_is_read(environment: pytest.MonkeyPatch):
    for name, value in (GOOD | {"HTTP_PORT": "81"}).items():
        environment.setenv(name, value)
    settings = load(Example)
    assert settings.http_port == 81
    assert settings.api_secret.get_secret_value() == "hidden-3"
    assert settings.bus_namespace == "tamaru"
    assert "hidden" not in repr(settings)


def test_every_missing_one_is_named(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        load(Example)
    assert ended.value.code == 2
    text = capsys.readouterr().err
    for name in GOOD:
        assert f"setting {name}:" in text


def test_a_wrong_one_is_named_and_no_value_printed(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name, value in (GOOD | {"HTTP_PORT": "hidden-4", "LIMIT": "hidden-5"}).items():
        environment.setenv(name, value)
    with pytest.raises(SystemExit):
        load(Example)
    output = capsys.readouterr()
    assert "setting HTTP_PORT:" in output.err
    assert "setting LIMIT:" in output.err
    assert "hidden" not in output.err + output.out
