"""Settings: read from the environment, refused in words, keys made once and kept secret."""

import stat
from pathlib import Path

import pytest

from app.config import Settings, kept_secret


def test_without_any_setting_everything_is_embedded(tmp_path: Path) -> None:
    settings = Settings.from_environment({"KONTOR_INSTANCE": str(tmp_path)})
    assert settings.database_address == f"sqlite:///{tmp_path}/kontor.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_spelling_of_a_postgresql_address_is_understood(scheme: str) -> None:
    settings = Settings.from_environment({"DATABASE_URL": f"{scheme}://me@host/kontor"})
    assert settings.database_address == "postgresql+psycopg://me@host/kontor"


@pytest.mark.parametrize(
    ("variable", "value"), [("KONTOR_PORT", "http"), ("KONTOR_SECURE_COOKIES", "maybe")]
)
def test_a_setting_that_does_not_fit_is_refused_by_its_name(variable: str, value: str) -> None:
    with pytest.raises(ValueError, match=variable):
        Settings.from_environment({variable: value})


def test_a_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = kept_secret(tmp_path, "secret_key")
    assert kept_secret(tmp_path, "secret_key") == first
    assert len(first) >= 48
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
