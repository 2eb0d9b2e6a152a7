"""The doctor lists everything that is wrong at once, and finds nothing wrong with a sound installation."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from cryptography.fernet import Fernet
from psycopg import sql

from plugin.config import manifest
from plugin.doctor import connections, run, settings
from plugin.local.ports import free_port


@pytest.fixture
def mail_port() -> Iterator[int]:
    """A mail server that would take everything."""
    port = free_port()
    server = Controller(Sink(), hostname="127.0.0.1", port=port)
    server.start()
    yield port
    server.stop()


@pytest.fixture
def sound(services: None, mail_port: int) -> dict[str, str]:
    """The settings of an installation with which nothing is wrong."""
    return {
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "REDIS_URL": os.environ["REDIS_URL"],
        "SHOPIFY_API_KEY": manifest()["client_id"].ljust(32, "0"),
        "SHOPIFY_API_SECRET": "shpss_" + "5" * 32,
        "APP_URL": manifest()["application_url"],
        "SMTP_URL": f"smtp://127.0.0.1:{mail_port}",
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "REGULARS_SANDBOX": "",
    }


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch, sound: dict[str, str]) -> None:
    """An app.toml that is linked to the app of the sound settings."""
    linked = manifest() | {"client_id": sound["SHOPIFY_API_KEY"], "application_url": sound["APP_URL"]}
    monkeypatch.setattr(settings, "manifest", lambda: linked)


def complaints(env: dict[str, str]) -> list[str]:
    return [str(problem) for problem in [*settings.problems(env), *connections.problems(env)]]


def subjects(env: dict[str, str]) -> list[str]:
    return [problem.subject for problem in [*settings.problems(env), *connections.problems(env)]]


def test_a_sound_installation_has_no_problem(sound: dict[str, str], declared: None) -> None:
    assert complaints(sound) == []


def test_an_empty_environment_is_listed_whole_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run({}) == 1
    said = capsys.readouterr().out
    for name in ("SHOPIFY_API_KEY", "SHOPIFY_API_SECRET", "APP_URL", "ENCRYPTION_KEYS"):
        assert f"- {name} is missing" in said
    for name in ("DATABASE_URL", "REDIS_URL", "SMTP_URL"):
        assert f"- {name} is missing" in said


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"SHOPIFY_API_KEY": "short"}, "SHOPIFY_API_KEY is missing or too short"),
        ({"SHOPIFY_API_SECRET": "hush"}, "SHOPIFY_API_SECRET is missing or too short"),
        ({"SHOPIFY_API_SECRET_PREVIOUS": "hush"}, "SHOPIFY_API_SECRET_PREVIOUS is too short"),
        ({"SHOPIFY_API_SECRET_PREVIOUS": "shpss_" + "5" * 32}, "SHOPIFY_API_SECRET_PREVIOUS is the current secret"),
        ({"APP_URL": "http://regulars.example"}, "APP_URL does not begin with https://"),
        ({"APP_URL": "https://regulars.example/app"}, "APP_URL has a path"),
        ({"APP_URL": "https://other.example"}, "app.toml says application_url"),
        ({"REGULARS_SANDBOX": "1"}, "REGULARS_SANDBOX is 1 on a public address"),
        ({"ENCRYPTION_KEYS": Fernet.generate_key().decode() + ",nonsense"}, "no valid key at place 2"),
        ({"DATABASE_URL": "mysql://somewhere"}, "DATABASE_URL is not a URL that PostgreSQL understands"),
        ({"REDIS_URL": "http://somewhere"}, "REDIS_URL is not a URL that Redis understands"),
        ({"SMTP_URL": "mail.example"}, "SMTP_URL is missing or no address of a mail server"),
    ],
)
def test_each_mistake_has_its_sentence(
    sound: dict[str, str], declared: None, change: dict[str, str], complaint: str
) -> None:
    assert any(complaint in said for said in complaints(sound | change))


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://regulars_app:x@127.0.0.1:{port}/regulars"),
        ("REDIS_URL", "redis://127.0.0.1:{port}/0"),
        ("SMTP_URL", "smtp://127.0.0.1:{port}"),
    ],
)
def test_who_does_not_answer_is_named(sound: dict[str, str], declared: None, name: str, url: str) -> None:
    env = sound | {name: url.format(port=free_port())}
    assert subjects(env) == [name]


def test_the_owner_may_not_serve_pages(sound: dict[str, str], declared: None) -> None:
    said = complaints(sound | {"DATABASE_URL": os.environ["DATABASE_OWNER_URL"]})
    assert any("logs in as the owner of the tables" in sentence for sentence in said)


def test_the_app_may_not_migrate(sound: dict[str, str], declared: None) -> None:
    said = complaints(sound | {"DATABASE_OWNER_URL": sound["DATABASE_URL"]})
    assert any("logs in as regulars_app" in sentence for sentence in said)


def test_a_database_without_the_schema_is_noticed(sound: dict[str, str], declared: None) -> None:
    empty = sound["DATABASE_URL"].rsplit("/", 1)[0] + "/postgres"
    assert any("is not migrated" in sentence for sentence in complaints(sound | {"DATABASE_URL": empty}))


def test_a_role_that_may_make_no_temporary_table_is_noticed(sound: dict[str, str], declared: None) -> None:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        database = sql.Identifier(owner.info.dbname)
        owner.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC, regulars_app").format(database))
        try:
            said = complaints(sound)
        finally:
            owner.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO regulars_app").format(database))
    assert len(said) == 1 and "GRANT TEMPORARY ON DATABASE" in said[0]
