"""Replays: a draft programme over the shop's own history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())
WHEN = sa.DateTime(timezone=True)
KEY = sa.Text(collation="C")


def upgrade() -> None:
    op.create_table(
        "replays",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("draft", JSON, server_default="{}", nullable=False),
        sa.Column("since", WHEN, nullable=False),
        sa.Column("until", WHEN, nullable=False),
        sa.Column("state", KEY, server_default="running", nullable=False),
        sa.Column("after_customer", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("customers_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("customers_total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tally", JSON, server_default="{}", nullable=False),
        sa.Column("created_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("finished_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_replays_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_replays")),
    )
    for statement in policies.statements(["replays"]):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("replays")
