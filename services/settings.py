"""Settings: the only reader of the environment; addresses and secrets for every process."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo


class SettingsError(ValueError):
    """A setting is missing or cannot be right. The message says which one and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. `home` holds data, blobs, logs and secrets of one stack.

    `bind_host` is what doors listen on; `database_host` None means the embedded server.
    """

    home: Path
    bind_host: str
    database_host: str
    postgres_port: int
    temporal_host: str
    temporal_port: int
    gateway_port: int
    clinician_api_port: int
    dashboard_port: int
    witness_port: int
    metrics_port_base: int
    clinic_timezone: ZoneInfo
    smtp_url: str | None
    webhook_url: str | None
    gateway_host: str = "127.0.0.1"
    clinician_api_host: str = "127.0.0.1"
    witness_host: str = "127.0.0.1"
    operator_address: str = "operator@localhost"
    database_name: str = "clinaiops"
    """The record's database; the wrapped keys are in the one named with `_keys` behind it."""

    @property
    def temporal_address(self) -> str:
        """Host and port of the Temporal front end."""
        return f"{self.temporal_host}:{self.temporal_port}"

    @property
    def gateway_url(self) -> str:
        """Base URL of the patient gateway."""
        return f"http://{self.gateway_host}:{self.gateway_port}"

    @property
    def clinician_api_url(self) -> str:
        """Base URL of the clinician API."""
        return f"http://{self.clinician_api_host}:{self.clinician_api_port}"

    @property
    def witness_url(self) -> str:
        """Base URL of the witness."""
        return f"http://{self.witness_host}:{self.witness_port}"

    def inherited_environment(self) -> dict[str, str]:
        """Return a copy of the environment for a child process that is to see the same settings."""
        return dict(os.environ)

    def secret(self, name: str) -> bytes:
        """Return the bytes of one secret file, without a trailing newline.

        Raises:
            SettingsError: there is no such file, or this process may not read it.
        """
        path = self.home / "secrets" / name
        try:
            return path.read_bytes().rstrip(b"\n")
        except OSError as err:
            raise SettingsError(
                f"secret {name!r} cannot be read: run `make up`, which makes it"
            ) from err

    def database_dsn(self, role: str, database: str | None = None) -> str:
        """Return the SQLAlchemy URL of one database as one role; the password is a secret file."""
        password = quote(self.secret(f"db_{role}.password").decode(), safe="")
        user = role if role == "postgres" else f"clinaiops_{role}"
        return (
            f"postgresql+asyncpg://{user}:{password}"
            f"@{self.database_host}:{self.postgres_port}/{database or self.database_name}"
        )


def load() -> Settings:
    """Read the environment. Every variable has the prefix CLINAIOPS_, but DATABASE_URL.

    Raises:
        SettingsError: a port is not a number, or a time zone is unknown.
    """
    # The default ports lie below the range from which systems take ports for outgoing connections.
    host, port = _database_address()
    return Settings(
        home=Path(_text("HOME", "var")).resolve(),
        bind_host=_text("BIND_HOST", "127.0.0.1"),
        database_host=host,
        postgres_port=port,
        temporal_host=_text("TEMPORAL_HOST", "127.0.0.1"),
        temporal_port=_port("TEMPORAL_PORT", 27233),
        gateway_port=_port("GATEWAY_PORT", 28080),
        clinician_api_port=_port("CLINICIAN_API_PORT", 28081),
        dashboard_port=_port("DASHBOARD_PORT", 28501),
        witness_port=_port("WITNESS_PORT", 28090),
        metrics_port_base=_port("METRICS_PORT_BASE", 29100),
        clinic_timezone=_timezone("CLINIC_TIMEZONE", "UTC"),
        smtp_url=os.environ.get("CLINAIOPS_SMTP_URL"),
        webhook_url=os.environ.get("CLINAIOPS_WEBHOOK_URL"),
        gateway_host=_text("GATEWAY_HOST", "127.0.0.1"),
        clinician_api_host=_text("CLINICIAN_API_HOST", "127.0.0.1"),
        witness_host=_text("WITNESS_HOST", "127.0.0.1"),
        operator_address=_text("OPERATOR_ADDRESS", "operator@localhost"),
        database_name=_text("DATABASE_NAME", "clinaiops"),
    )


def _database_address() -> tuple[str, int]:
    """DATABASE_URL points anywhere; without it, the embedded server's address."""
    url = os.environ.get("DATABASE_URL")
    if url is None:
        return "127.0.0.1", _port("POSTGRES_PORT", 25432)
    parts = urlsplit(url)
    if not parts.scheme.startswith("postgres") or parts.hostname is None:
        raise SettingsError("DATABASE_URL must look like postgresql://host:5432")
    return parts.hostname, parts.port or 5432


def _text(name: str, default: str) -> str:
    return os.environ.get(f"CLINAIOPS_{name}", default)


def _port(name: str, default: int) -> int:
    text = _text(name, str(default))
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SettingsError(f"CLINAIOPS_{name} must be a port from 1 to 65535, not {text!r}")
    return int(text)


def _timezone(name: str, default: str) -> ZoneInfo:
    text = _text(name, default)
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError) as err:
        raise SettingsError(f"CLINAIOPS_{name}: {text!r} is not a time zone") from err
