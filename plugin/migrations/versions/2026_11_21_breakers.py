"""Destinations that do not answer are left alone, and effects take turns between shops and by who waits for them."""

import sqlalchemy as sa
from alembic import op

from plugin.db import policies

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("breakers", "shared_breakers")
OPEN = sa.text("state IN ('pending', 'claimed', 'calling')")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("urgent", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("outbox", sa.Column("lapses", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("outbox", sa.Column("reason", sa.Text(collation="C"), nullable=True))
    op.drop_index("ix_outbox_due", "outbox")
    columns = ["patient", "shop_id", sa.text("urgent DESC"), "next_attempt_at"]
    op.create_index("ix_outbox_due", "outbox", columns, unique=False, postgresql_where=OPEN)
    op.create_index("ix_outbox_kind", "outbox", ["shop_id", "kind", "id"], unique=False)
    shop = sa.Column("shop_id", sa.BigInteger(), nullable=False)
    of_shop = sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_breakers_shops"))
    key = sa.PrimaryKeyConstraint("shop_id", "destination", name=op.f("pk_breakers"))
    op.create_table("breakers", shop, *_columns(), of_shop, key)
    shared_key = sa.PrimaryKeyConstraint("destination", name=op.f("pk_shared_breakers"))
    op.create_table("shared_breakers", *_columns(), shared_key)
    for statement in policies.statements(TABLES):
        op.execute(statement)


def _columns() -> list[sa.Column]:
    now = sa.text("clock_timestamp()")
    return [
        sa.Column("destination", sa.Text(collation="C"), nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("opened", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probing_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
    ]


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index("ix_outbox_kind", "outbox")
    op.drop_index("ix_outbox_due", "outbox")
    op.create_index("ix_outbox_due", "outbox", ["patient", "next_attempt_at"], unique=False, postgresql_where=OPEN)
    for column in ("reason", "lapses", "urgent"):
        op.drop_column("outbox", column)
