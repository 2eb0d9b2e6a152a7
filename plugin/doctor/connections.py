"""What only the other end can tell: the database and its roles, Redis, the mail server. Nothing is written anywhere."""

import smtplib
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

import psycopg
import redis
from alembic.script import ScriptDirectory

from plugin.db.guard import WHO
from plugin.db.policies import APP, OWNER, SWEEP
from plugin.doctor.problem import Problem
from plugin.migrations.run import settings

SECONDS = 5
OLDEST_SERVER = 160000
MAIL_SCHEMES = {"smtp": smtplib.SMTP, "smtps": smtplib.SMTP_SSL}


def problems(env: Mapping[str, str]) -> Iterator[Problem]:
    """Every problem of the connections, each tried once with a short time-out."""
    yield from _database("DATABASE_URL", env.get("DATABASE_URL", ""), _app_role)
    if env.get("DATABASE_OWNER_URL"):
        yield from _database("DATABASE_OWNER_URL", env["DATABASE_OWNER_URL"], _owner_role)
    yield from _redis(env.get("REDIS_URL", ""))
    yield from _mail(env.get("SMTP_URL", ""))


def _database(name: str, url: str, role_problems) -> Iterator[Problem]:  # type: ignore[no-untyped-def]
    if not url:
        yield Problem(name, f"is missing: set it to postgresql://{APP}:password@host:5432/regulars")
        return
    try:
        with psycopg.connect(url, connect_timeout=SECONDS) as connection:
            yield from role_problems(name, connection)
    except psycopg.ProgrammingError:
        yield Problem(name, "is not a URL that PostgreSQL understands: write postgresql://user:password@host:5432/name")
    except psycopg.Error as error:
        yield Problem(name, f"cannot be used ({_one_line(error)}): check host, role and password, and that it runs")


def _app_role(name: str, connection: psycopg.Connection) -> Iterator[Problem]:
    row = connection.execute(WHO).fetchone()
    _, superuser, bypasses, owns = row or ("", False, False, False)
    if superuser or bypasses:
        yield Problem(name, f"logs in as a role that ignores row-level security: use {APP}")
    elif owns:
        yield Problem(name, f"logs in as the owner of the tables: use {APP}, and {OWNER} for DATABASE_OWNER_URL alone")
    if connection.info.server_version < OLDEST_SERVER:
        yield Problem(name, "leads to a PostgreSQL older than 16: upgrade the server")
        return
    yield from _sweep_role(name, connection)
    yield from _temporary(name, connection)
    yield from _schema(name, connection)


def _temporary(name: str, connection: psycopg.Connection) -> Iterator[Problem]:
    row = connection.execute("SELECT has_database_privilege(current_database(), 'TEMPORARY'), current_database()")
    may, database = row.fetchone() or (False, "")
    if not may:
        yield Problem(name, f"may not make temporary tables: GRANT TEMPORARY ON DATABASE {database} TO {APP}")


def _sweep_role(name: str, connection: psycopg.Connection) -> Iterator[Problem]:
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (SWEEP,)).fetchone():
        yield Problem(name, f"leads to a server without the role {SWEEP}: create the roles as docs/operations.md says")
        return
    query = "SELECT pg_has_role(current_user, %s, 'SET'), pg_has_role(current_user, %s, 'USAGE')"
    may_enter, inherits = connection.execute(query, (SWEEP, SWEEP)).fetchone() or (False, False)
    if not may_enter or inherits:
        yield Problem(name, f"needs the sweep role in one way: GRANT {SWEEP} TO {APP} WITH INHERIT FALSE, SET TRUE")


def _schema(name: str, connection: psycopg.Connection) -> Iterator[Problem]:
    newest = ScriptDirectory.from_config(settings("")).get_current_head()
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    except psycopg.errors.InsufficientPrivilege:
        return  # it exists; only the owner may read it
    if not row or row[0] != newest:
        yield Problem(name, "leads to a database that is not migrated: run `regulars migrate` with DATABASE_OWNER_URL")


def _owner_role(name: str, connection: psycopg.Connection) -> Iterator[Problem]:
    query = "SELECT 1 FROM pg_tables WHERE schemaname = 'public' AND tableowner <> current_user LIMIT 1"
    if connection.execute(query).fetchone():
        yield Problem(name, f"logs in as a role that does not own the tables: use {OWNER}")
    if connection.info.user == APP:
        yield Problem(name, f"logs in as {APP}, which must not own tables: use {OWNER}")


def _redis(url: str) -> Iterator[Problem]:
    if not url:
        yield Problem("REDIS_URL", "is missing: set it to redis://host:6379/0")
        return
    try:
        with redis.Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS) as client:
            client.ping()
    except ValueError as error:
        yield Problem("REDIS_URL", f"is not a URL that Redis understands ({error}): write redis://host:6379/0")
    except redis.RedisError as error:
        yield Problem("REDIS_URL", f"cannot be used ({_one_line(error)}): check host and password, and that it runs")


def _mail(url: str) -> Iterator[Problem]:
    parts = urlsplit(url)
    if parts.scheme not in MAIL_SCHEMES or not parts.hostname:
        yield Problem("SMTP_URL", "is missing or no address of a mail server: write smtp://user:password@host:587")
        return
    try:
        with MAIL_SCHEMES[parts.scheme](parts.hostname, parts.port or 0, timeout=SECONDS) as server:
            server.ehlo_or_helo_if_needed()
            if parts.username and parts.password:
                if parts.scheme == "smtp":
                    server.starttls()
                server.login(unquote(parts.username), unquote(parts.password))
    except (OSError, smtplib.SMTPException) as error:
        yield Problem("SMTP_URL", f"cannot be used ({_one_line(error)}): check host, port, user and password")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
