"""Comparisons of the mirror with the store, and what they found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("drift_checks", "drift_findings")


def key() -> sa.Text:
    return sa.Text(collation="C")


def moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "drift_checks",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("object", key(), nullable=False),
        sa.Column("reach", key(), nullable=False),
        sa.Column("asked_by", key(), server_default="schedule", nullable=False),
        sa.Column("state", key(), server_default="waiting", nullable=False),
        sa.Column("since", moment(), nullable=True),
        sa.Column("until", moment(), nullable=True),
        sa.Column("last_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("compared", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("differed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("healed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", moment(), nullable=True),
        sa.Column("lease_until", moment(), nullable=True),
        sa.Column("created_at", moment(), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("started_at", moment(), nullable=True),
        sa.Column("finished_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_drift_checks_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_drift_checks")),
    )
    op.create_index(
        "uq_drift_checks_open",
        "drift_checks",
        ["shop_id", "object", "reach"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'reading', 'healing')"),
    )
    op.create_index("ix_drift_checks_object", "drift_checks", ["shop_id", "object", "id"], unique=False)
    op.create_table(
        "drift_findings",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("check_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", key(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", key(), nullable=False),
        sa.Column("groups", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("outcome", key(), server_default="open", nullable=False),
        sa.Column("found_at", moment(), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("settled_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["shop_id", "check_id"],
            ["drift_checks.shop_id", "drift_checks.id"],
            name=op.f("fk_drift_findings_drift_checks"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shop_id", "check_id", "key", name=op.f("pk_drift_findings")),
    )
    op.create_index(
        "ix_drift_findings_open",
        "drift_findings",
        ["shop_id", "check_id"],
        unique=False,
        postgresql_where=sa.text("outcome = 'open'"),
    )
    for statement in policies.statements(TABLES):
        op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
