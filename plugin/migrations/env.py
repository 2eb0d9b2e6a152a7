"""Alembic's entry: one transaction a migration, with lock and statement time-outs: a release never hangs a shop."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, text

from plugin.migrations.tables import metadata

TIMEOUTS = "-c lock_timeout=5s -c statement_timeout=300s"

engine = create_engine(context.config.attributes["url"], connect_args={"options": TIMEOUTS})
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(7204)"))  # two releases at once: the second waits
        context.run_migrations()
engine.dispose()
