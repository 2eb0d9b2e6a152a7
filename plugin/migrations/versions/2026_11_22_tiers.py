"""Ladders of tiers by any metric: order, origin and terms of a tier; grants by hand, moves, and marks in the store."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = ("tier_grants", "tier_changes", "tier_marks")
JSON = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)
KEY = sa.Text(collation="C")


def upgrade() -> None:
    op.add_column("tiers", sa.Column("position", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("tiers", sa.Column("origin", sa.BigInteger(), nullable=True))
    op.add_column("tiers", sa.Column("terms", JSON, server_default="{}", nullable=False))
    op.drop_constraint("uq_tiers_shop_id_program_id_threshold_minor", "tiers")
    op.create_index("ix_tiers_program", "tiers", ["shop_id", "program_id", "position"])
    _origins()
    _grants()
    _changes()
    _marks()
    for statement in policies.statements(TABLES):
        op.execute(statement)


def _origins() -> None:
    """A tier goes on as the one of the same name in the first version that has it, as far as versions follow it."""
    op.execute("""
        UPDATE tiers t SET origin = f.id
        FROM (SELECT shop_id, name, min(id) AS id FROM tiers GROUP BY shop_id, name) AS f
        WHERE f.shop_id = t.shop_id AND f.name = t.name AND f.id <> t.id
    """)


def _grants() -> None:
    op.create_table(
        "tier_grants",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.BigInteger(), nullable=False),
        sa.Column("tier_name", sa.Text(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint("ends_at IS NULL OR ends_at >= starts_at", name=op.f("ck_tier_grants_interval")),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"], ["customers.shop_id", "customers.id"], name=op.f("fk_tier_grants_customers")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_tier_grants")),
    )
    op.create_index("ix_tier_grants_customer", "tier_grants", ["shop_id", "customer_id"])


def _changes() -> None:
    op.create_table(
        "tier_changes",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", KEY, server_default="tier", nullable=False),
        sa.Column("from_origin", sa.BigInteger(), nullable=True),
        sa.Column("to_origin", sa.BigInteger(), nullable=True),
        sa.Column("from_name", sa.Text(), nullable=True),
        sa.Column("to_name", sa.Text(), nullable=True),
        sa.Column("program_id", sa.BigInteger(), nullable=False),
        sa.Column("why", JSON, nullable=False),
        sa.Column("falls_at", MOMENT, nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"], ["customers.shop_id", "customers.id"], name=op.f("fk_tier_changes_customers")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_tier_changes")),
    )
    op.create_index("ix_tier_changes_customer", "tier_changes", ["shop_id", "customer_id", "id"])
    untold = sa.text("told_at IS NULL")
    op.create_index("ix_tier_changes_untold", "tier_changes", ["shop_id", "id"], postgresql_where=untold)
    risk = ["shop_id", "customer_id", "falls_at"]
    falls = sa.text("falls_at IS NOT NULL")
    op.create_index("uq_tier_changes_risk", "tier_changes", risk, unique=True, postgresql_where=falls)


def _marks() -> None:
    op.create_table(
        "tier_marks",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"], ["customers.shop_id", "customers.id"], name=op.f("fk_tier_marks_customers")
        ),
        sa.PrimaryKeyConstraint("shop_id", "customer_id", name=op.f("pk_tier_marks")),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index("ix_tiers_program", "tiers")
    for column in ("terms", "origin", "position"):
        op.drop_column("tiers", column)
    key = ["shop_id", "program_id", "threshold_minor"]
    op.create_unique_constraint("uq_tiers_shop_id_program_id_threshold_minor", "tiers", key)
