"""Days of the ledger, months of money, readings of the measured profit, and the salt of the split."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = ("point_days", "money_books", "money_months", "profit_readings")
JSON = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)
KEY = sa.Text(collation="C")


def counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in names]


def upgrade() -> None:
    op.add_column("programs", sa.Column("holdout_salt", sa.BigInteger(), nullable=True))
    op.create_table(
        "point_days",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("counter_account", KEY, nullable=False),
        sa.Column("plus", sa.BigInteger(), nullable=False),
        sa.Column("minus", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("plus >= 0 AND minus >= 0", name=op.f("ck_point_days_two_sides")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_point_days_shops")),
        sa.PrimaryKeyConstraint("shop_id", "day", "kind", "counter_account", name=op.f("pk_point_days")),
    )
    op.create_table(
        "money_books",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        *counts("through_id"),
        sa.Column("bound_id", sa.BigInteger(), nullable=True),
        sa.Column("bound_xid", sa.BigInteger(), nullable=True),
        sa.Column("timezone", KEY, server_default="", nullable=False),
        sa.Column("pictured_at", MOMENT, nullable=True),
        *counts("pending", "available", "debt"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_money_books_shops")),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_money_books")),
    )
    op.create_table(
        "money_months",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        *counts("revenue_minor", "redeemed", "cost_minor", "granted", "pending", "open", "expired"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_money_months_shops")),
        sa.PrimaryKeyConstraint("shop_id", "month", name=op.f("pk_money_months")),
    )
    op.create_table(
        "profit_readings",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("week", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("after", sa.BigInteger(), server_default="0", nullable=True),
        sa.Column("sides", JSON, server_default="{}", nullable=False),
        sa.Column("terms", JSON, server_default="{}", nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_profit_readings_shops")),
        sa.PrimaryKeyConstraint("shop_id", "started_at", "week", name=op.f("pk_profit_readings")),
    )
    for statement in policies.statements(TABLES):
        op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("programs", "holdout_salt")
