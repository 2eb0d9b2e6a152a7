"""Alembic, driven from code: there is no alembic.ini to keep in step with the environment."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config


def upgrade(owner_url: str) -> None:
    """Bring the schema to the newest revision, as its owner (`DATABASE_OWNER_URL`)."""
    command.upgrade(settings(owner_url), "head")


def settings(owner_url: str) -> Config:
    """Alembic's configuration for one database."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    config.attributes["url"] = owner_url.replace("postgresql://", "postgresql+psycopg://", 1)
    return config
