"""Personal links and referrals; of an order's addresses a number each; customers are found by their mailbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = ("referral_links", "referrals")
JSON = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)
KEY = sa.Text(collation="C")
PLACES = ("shipping_place", "billing_place")
# As plugin/commerce/mailboxes.py has it.
MAILBOXES = """
    INSERT INTO customer_terms (shop_id, term, customer_id)
    SELECT shop_id, left(CASE WHEN split_part(email, '@', 2) IN ('gmail.com', 'googlemail.com')
            THEN replace(split_part(split_part(email, '@', 1), '+', 1), '.', '') || '@gmail.com'
            ELSE split_part(split_part(email, '@', 1), '+', 1) || '@' || split_part(email, '@', 2) END, 64), id
    FROM customers WHERE split_part(email, '@', 2) IN ('gmail.com', 'googlemail.com') OR strpos(email, '+') > 1
    ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    _links()
    _referrals()
    for statement in policies.statements(TABLES):
        op.execute(statement)
    for name in PLACES:
        op.add_column("orders", sa.Column(name, sa.BigInteger(), nullable=True))
    guests = sa.text("customer_id IS NULL AND email IS NOT NULL")
    op.create_index("ix_orders_guest", "orders", ["shop_id", "email"], postgresql_where=guests)
    op.execute(MAILBOXES)


def _links() -> None:
    op.create_table(
        "referral_links",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("made_for", sa.BigInteger(), nullable=False),
        sa.Column("opened", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"],
            ["customers.shop_id", "customers.id"],
            name=op.f("fk_referral_links_customers"),
        ),
        sa.PrimaryKeyConstraint("shop_id", "code", name=op.f("pk_referral_links")),
        sa.UniqueConstraint("shop_id", "made_for", name=op.f("uq_referral_links_shop_id_made_for")),
    )
    op.create_index("ix_referral_links_customer", "referral_links", ["shop_id", "customer_id"])


def _referrals() -> None:
    op.create_table(
        "referrals",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("link_code", KEY, nullable=False),
        sa.Column("advocate_id", sa.BigInteger(), nullable=False),
        sa.Column("advocate_was", sa.BigInteger(), nullable=True),
        sa.Column("program_id", sa.BigInteger(), nullable=False),
        sa.Column("email", KEY, nullable=True),
        sa.Column("mailbox", KEY, nullable=True),
        sa.Column("friend_id", sa.BigInteger(), nullable=True),
        sa.Column("code", KEY, nullable=False),
        sa.Column("code_state", KEY, server_default="none", nullable=False),
        sa.Column("discount_gid", sa.Text(), nullable=True),
        sa.Column("code_ends_at", MOMENT, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("ordered_at", MOMENT, nullable=True),
        sa.Column("net_minor", sa.BigInteger(), nullable=True),
        sa.Column("state", KEY, server_default="claimed", nullable=False),
        sa.Column("reason", KEY, server_default="", nullable=False),
        sa.Column("signals", JSON, server_default="[]", nullable=False),
        sa.Column("verdict", KEY, nullable=True),
        sa.Column("verdict_note", sa.Text(), nullable=True),
        sa.Column("verdict_by", sa.Text(), nullable=True),
        sa.Column("verdict_at", MOMENT, nullable=True),
        sa.Column("held_until", MOMENT, nullable=True),
        sa.Column("points", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("awards", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rewarded_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("claimed_at", MOMENT, nullable=False),
        sa.Column("locale", sa.Text(), server_default="en", nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "link_code"],
            ["referral_links.shop_id", "referral_links.code"],
            name=op.f("fk_referrals_referral_links"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "program_id"], ["programs.shop_id", "programs.id"], name=op.f("fk_referrals_programs")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_referrals")),
        sa.UniqueConstraint("shop_id", "code", name=op.f("uq_referrals_shop_id_code")),
    )
    op.create_index("uq_referrals_mailbox", "referrals", ["shop_id", "mailbox"], unique=True)
    op.create_index("ix_referrals_advocate", "referrals", ["shop_id", "advocate_id", "claimed_at"])
    op.create_index("ix_referrals_friend", "referrals", ["shop_id", "friend_id"])
    op.create_index("ix_referrals_order", "referrals", ["shop_id", "order_id"])
    op.create_index("ix_referrals_claimed", "referrals", ["shop_id", "claimed_at", "id"])
    op.create_index("ix_referrals_state", "referrals", ["shop_id", "state", "claimed_at", "id"])
    op.create_index(
        "ix_referrals_due", "referrals", ["shop_id", "due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_orders_guest", "orders")
    for name in PLACES:
        op.drop_column("orders", name)
    for table in reversed(TABLES):
        op.drop_table(table)
