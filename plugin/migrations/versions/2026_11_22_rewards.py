"""Rewards of every kind, with versions, limits and what they cost."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("reward_versions", "reward_tallies")
JSON = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)
KEY = sa.Text(collation="C")
REWARD = ["rewards.shop_id", "rewards.id"]
FIRST_VERSIONS = """
    INSERT INTO reward_versions (shop_id, reward_id, version, document, created_at)
    SELECT shop_id, id, 1, jsonb_build_object('name', name, 'kind', kind, 'cost_points', cost_points,
        'value_minor', value_minor, 'minimum_minor', minimum_minor, 'valid_days', valid_days, 'active', active),
        created_at FROM rewards
"""
TALLIES = """
    INSERT INTO reward_tallies (shop_id, reward_id, taken)
    SELECT r.shop_id, r.id, (SELECT count(*) FROM redemptions d
        WHERE d.shop_id = r.shop_id AND d.reward_id = r.id AND d.state <> 'returned') FROM rewards r
"""


def of_rewards() -> list[sa.Column[object]]:
    return [
        sa.Column("terms", JSON, server_default="{}", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("archived_at", MOMENT, nullable=True),
    ]


def of_redemptions() -> list[sa.Column[object]]:
    return [
        sa.Column("kind", KEY, server_default="amount_off", nullable=False),
        sa.Column("reward_version", sa.BigInteger(), nullable=True),
        sa.Column("cost_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), nullable=True),
        sa.Column("comes_back", sa.Boolean(), server_default="false", nullable=False),
    ]


def upgrade() -> None:
    for column in of_rewards():
        op.add_column("rewards", column)
    for column in of_redemptions():
        op.add_column("redemptions", column)
    op.drop_constraint(op.f("ck_rewards_price"), "rewards", type_="check")
    op.create_check_constraint(op.f("ck_rewards_price"), "rewards", "cost_points > 0 AND value_minor >= 0")
    op.execute("UPDATE redemptions SET cost_minor = value_minor")
    op.create_index("ix_redemptions_reward", "redemptions", ["shop_id", "reward_id", "created_at"])
    for name, column, state in (("run_out", "expires_at", "issued"), ("late", "id", "late")):
        some = sa.text(f"state = '{state}'")
        op.create_index(f"ix_redemptions_{name}", "redemptions", ["shop_id", column], postgresql_where=some)
    _make_tables()
    for statement in policies.statements(TABLES):
        op.execute(statement)
    op.execute(FIRST_VERSIONS)
    op.execute(TALLIES)


def _make_tables() -> None:
    op.create_table(
        "reward_versions",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("reward_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["shop_id", "reward_id"], REWARD, name=op.f("fk_reward_versions_rewards")),
        sa.PrimaryKeyConstraint("shop_id", "reward_id", "version", name=op.f("pk_reward_versions")),
    )
    op.create_table(
        "reward_tallies",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("reward_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stock", sa.BigInteger(), nullable=True),
        sa.Column("budget_minor", sa.BigInteger(), nullable=True),
        sa.Column("each_minor", sa.BigInteger(), nullable=True),
        sa.Column("taken", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("month", sa.Date(), nullable=True),
        sa.Column("month_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counted_at", MOMENT, nullable=True),
        sa.CheckConstraint("taken >= 0 AND month_minor >= 0", name=op.f("ck_reward_tallies_no_negative")),
        sa.ForeignKeyConstraint(["shop_id", "reward_id"], REWARD, name=op.f("fk_reward_tallies_rewards")),
        sa.PrimaryKeyConstraint("shop_id", "reward_id", name=op.f("pk_reward_tallies")),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in ("late", "run_out", "reward"):
        op.drop_index(f"ix_redemptions_{name}", "redemptions")
    op.execute("DELETE FROM rewards WHERE value_minor = 0")
    op.drop_constraint(op.f("ck_rewards_price"), "rewards", type_="check")
    op.create_check_constraint(op.f("ck_rewards_price"), "rewards", "cost_points > 0 AND value_minor > 0")
    for column in reversed(of_redemptions()):
        op.drop_column("redemptions", column.name)
    for column in reversed(of_rewards()):
        op.drop_column("rewards", column.name)
