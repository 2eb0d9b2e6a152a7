"""Customers whom the store merged into others."""

import sqlalchemy as sa
from alembic import op

from plugin.db import policies

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer_merges",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("from_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("into_id", sa.BigInteger(), nullable=False),
        sa.Column("kept_id", sa.BigInteger(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("from_id <> into_id AND from_id <> kept_id", name=op.f("ck_customer_merges_two_people")),
        sa.ForeignKeyConstraint(
            ["shop_id", "from_id"], ["customers.shop_id", "customers.id"], name="fk_customer_merges_from"
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "into_id"], ["customers.shop_id", "customers.id"], name="fk_customer_merges_into"
        ),
        sa.PrimaryKeyConstraint("shop_id", "from_id", name=op.f("pk_customer_merges")),
    )
    op.create_index("ix_customer_merges_kept", "customer_merges", ["shop_id", "kept_id"])
    op.create_index("ix_checkouts_customer", "checkouts", ["shop_id", "customer_id"])
    op.create_index("ix_consents_no", "consents", ["shop_id", "customer_id"], postgresql_where=sa.text("NOT granted"))
    op.add_column("subscriptions", sa.Column("merged_from", sa.BigInteger(), nullable=True))
    for statement in policies.statements(["customer_merges"]):
        op.execute(statement)


def downgrade() -> None:
    op.drop_column("subscriptions", "merged_from")
    op.drop_index("ix_consents_no", "consents")
    op.drop_index("ix_checkouts_customer", "checkouts")
    op.drop_table("customer_merges")
