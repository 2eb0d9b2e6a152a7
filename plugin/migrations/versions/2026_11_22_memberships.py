"""Who joined or left the programme, which of its mails go out and how, and whose points moved since mails were asked."""

import sqlalchemy as sa
from alembic import op

from plugin.db import policies

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = ("memberships", "program_mails", "point_news")
MOMENT = sa.DateTime(timezone=True)
KEY = sa.Text(collation="C")


def upgrade() -> None:
    _memberships()
    _mails()
    op.create_table(
        "point_news",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("noted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "customer_id", name=op.f("pk_point_news")),
    )
    for statement in policies.statements(TABLES):
        op.execute(statement)


def _memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("joined", sa.Boolean(), nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"], ["customers.shop_id", "customers.id"], name=op.f("fk_memberships_customers")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_memberships")),
    )
    op.create_index("ix_memberships_customer", "memberships", ["shop_id", "customer_id", "id"])


def _mails() -> None:
    op.create_table(
        "program_mails",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("digest", KEY, nullable=True),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_program_mails_shops")),
        sa.ForeignKeyConstraint(
            ["shop_id", "digest"], ["templates.shop_id", "templates.digest"], name=op.f("fk_program_mails_templates")
        ),
        sa.PrimaryKeyConstraint("shop_id", "kind", name=op.f("pk_program_mails")),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
