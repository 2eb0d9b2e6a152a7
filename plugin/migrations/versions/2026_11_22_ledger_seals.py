"""The ledger's chain of seals, looks at it, and how far its daily care is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = ("ledger_seals", "ledger_upkeep", "ledger_checks")


def upgrade() -> None:
    op.create_table(
        "ledger_seals",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("through_id", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(collation="C"), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_ledger_seals_shops")),
        sa.PrimaryKeyConstraint("shop_id", "number", name=op.f("pk_ledger_seals")),
    )
    op.create_table(
        "ledger_upkeep",
        sa.Column("shop_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bound_id", sa.BigInteger(), nullable=True),
        sa.Column("bound_xid", sa.BigInteger(), nullable=True),
        sa.Column("sealed_on", sa.Date(), nullable=True),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.Column("warned_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_ledger_upkeep_shops")),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_ledger_upkeep")),
    )
    op.create_table(
        "ledger_checks",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("asked_by", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(collation="C"), server_default="waiting", nullable=False),
        sa.Column("first_seal", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("through_seal", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("entries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("faults", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_ledger_checks_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_ledger_checks")),
    )
    op.create_index(
        "uq_ledger_checks_open",
        "ledger_checks",
        ["shop_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    for statement in policies.statements(TABLES):
        op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
