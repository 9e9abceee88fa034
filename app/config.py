"""Every setting: its name in the environment, its default and what it means."""

import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def _setting(variable: str, default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"variable": variable, "meaning": meaning})


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation may set. With none set, everything runs embedded in instance/."""

    database_url: str = _setting(
        "DATABASE_URL", "", "SQLAlchemy address of PostgreSQL; empty: SQLite in the instance folder"
    )
    redis_url: str = _setting(
        "REDIS_URL", "", "address of Redis for jobs; empty: a SQLite file in the instance folder"
    )
    storage_url: str = _setting(
        "STORAGE_URL", "", "S3-compatible store (s3://bucket/prefix); empty: instance/files"
    )
    mail_url: str = _setting(
        "MAIL_URL", "", "mail server (smtp://user:password@host:587); empty: files in instance/mail"
    )
    mail_from: str = _setting(
        "KONTOR_MAIL_FROM", "", "sender of mail, like Kontor <office@example.com>; with MAIL_URL"
    )
    public_url: str = _setting(
        "KONTOR_PUBLIC_URL", "", "address that links in mail lead to; empty: http://host:port"
    )
    secret_key: str = _setting(
        "SECRET_KEY", "", "signs sessions; empty: made once and kept in the instance folder"
    )
    instance: str = _setting(
        "KONTOR_INSTANCE", str(ROOT / "instance"), "folder for the database, files and keys"
    )
    timezone: str = _setting("KONTOR_TIMEZONE", "Europe/Berlin", "the company's time zone")
    company: str = _setting(
        "KONTOR_COMPANY", "Kontor", "the company's name in KBART files and on rights statements"
    )
    country: str = _setting(
        "KONTOR_COUNTRY", "DE", "country in which phone numbers without one are read"
    )
    host: str = _setting("KONTOR_HOST", "127.0.0.1", "address the web server listens on")
    port: int = _setting("KONTOR_PORT", 8000, "port the web server listens on")
    web_processes: int = _setting("KONTOR_WEB_PROCESSES", 2, "web server processes")
    trusted_proxies: int = _setting(
        "KONTOR_TRUSTED_PROXIES", 0, "how many proxies in front may tell the client's address"
    )
    secure_cookies: bool = _setting(
        "KONTOR_SECURE_COOKIES", False, "send cookies over HTTPS only; on in production"
    )
    production: bool = _setting(
        "KONTOR_PRODUCTION", False, "refuse demo log-ins and unsafe settings"
    )
    customer_password_length: int = _setting(
        "KONTOR_CUSTOMER_PASSWORD_LENGTH", 5, "fewest characters of a customer's password"
    )
    session_hours: int = _setting("KONTOR_SESSION_HOURS", 12, "hours until a log-in ends")
    two_factor_roles: str = _setting(
        "KONTOR_TWO_FACTOR_ROLES", "", "roles that must use two-factor log-in, with commas between"
    )
    two_factor_key: str = _setting(
        "KONTOR_TWO_FACTOR_KEY",
        "",
        "encrypts two-factor secrets; empty: made once and kept in the instance folder",
    )
    upload_megabytes: int = _setting("KONTOR_UPLOAD_MEGABYTES", 512, "largest upload in MB")
    retention_days: int = _setting(
        "KONTOR_RETENTION_DAYS", 30, "days that uploads, exports and before-images are kept"
    )
    mail_days: int = _setting(
        "KONTOR_MAIL_DAYS", 365, "days that outgoing mail and one-time links are kept"
    )
    chunk_rows: int = _setting("KONTOR_CHUNK_ROWS", 1000, "rows that a long write commits at once")
    chunk_pause_ms: int = _setting(
        "KONTOR_CHUNK_PAUSE_MS",
        250,
        "how long a long write lets those who wait to save go first, in milliseconds at most",
    )
    two_person_rule: bool = _setting(
        "KONTOR_TWO_PERSON_RULE", False, "who created a collection run may not release it"
    )
    bank_cutoff: str = _setting(
        "KONTOR_BANK_CUTOFF", "14:00", "time of day until which the bank takes files for next day"
    )
    iban_change_notify: str = _setting(
        "KONTOR_IBAN_CHANGE_NOTIFY",
        "",
        "addresses told of every changed IBAN, with commas between; empty: nobody",
    )
    retry_attempts: int = _setting(
        "KONTOR_RETRY_ATTEMPTS",
        2,
        "how often an invoice may be collected in all, where the bank allows it again; 0: never",
    )
    retry_days: int = _setting(
        "KONTOR_RETRY_DAYS", 0, "days after a return before it may be collected again"
    )
    notice_days: int = _setting(
        "KONTOR_NOTICE_DAYS", 14, "days from the notice to the collection, unless fewer are agreed"
    )
    invoice_is_notice: bool = _setting(
        "KONTOR_INVOICE_IS_NOTICE",
        True,
        "an invoice, which names its due date, is the notice of its collection",
    )
    iban_change_days: int = _setting(
        "KONTOR_IBAN_CHANGE_DAYS", 14, "days for which a preview points to a changed IBAN"
    )
    csv_separator: str = _setting("KONTOR_CSV_SEPARATOR", ";", "separator of CSV exports: ; or ,")

    @property
    def database_address(self) -> str:
        """The SQLAlchemy address in use."""
        if not self.database_url:
            return f"sqlite:///{Path(self.instance) / 'kontor.db'}"
        for scheme in ("postgres://", "postgresql://"):
            if self.database_url.startswith(scheme):
                return "postgresql+psycopg://" + self.database_url.removeprefix(scheme)
        return self.database_url

    @property
    def roles_with_two_factor(self) -> frozenset[str]:
        """The names of the roles whose holders must use two-factor log-in."""
        names = (name.strip().lower() for name in self.two_factor_roles.split(","))
        return frozenset(name for name in names if name)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings. Raises ValueError naming the variable whose value does not fit."""
        given = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for one in fields(cls):
            text = given.get(one.metadata["variable"], "").strip()
            if text:
                values[one.name] = _read(one.metadata["variable"], text, type(one.default))
        return cls(**values)


def _read(variable: str, text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() in {"1", "yes", "true", "on"}:
            return True
        if text.lower() in {"0", "no", "false", "off"}:
            return False
        raise ValueError(f"{variable} must be yes or no, not {text!r}")
    if kind is int:
        if not text.isdecimal():
            raise ValueError(f"{variable} must be a whole number, not {text!r}")
        return int(text)
    return text


def kept_secret(instance: Path, name: str) -> str:
    """A key made once and kept in the instance folder, readable by its owner only."""
    path = instance / name
    if not path.exists():
        handle, fresh = tempfile.mkstemp(dir=instance)  # mode 0600
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        # Two processes may start at once: the first link wins, and both read the same key.
        with suppress(FileExistsError):
            os.link(fresh, path)
        os.unlink(fresh)
    return path.read_text(encoding="ascii").strip()
