"""What customers do beside orders, what they tell about themselves, and the token of the door for events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLES = ("deeds", "deed_sweeps", "profile_fields", "profile_values", "api_tokens")
JSON = postgresql.JSONB(astext_type=sa.Text())
MOMENT = sa.DateTime(timezone=True)
KEY = sa.Text(collation="C")


def upgrade() -> None:
    _deeds()
    _sweeps()
    _profiles()
    _tokens()
    for statement in policies.statements(TABLES):
        op.execute(statement)


def shop() -> sa.Column:
    return sa.Column("shop_id", sa.BigInteger(), nullable=False)


def serial() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def number(name: str, nullable: bool = False, default: str | None = None) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=nullable, server_default=default)


def of_customer(table: str) -> sa.ForeignKeyConstraint:
    columns = ["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]
    return sa.ForeignKeyConstraint(*columns, name=op.f(f"fk_{table}_customers"))


def of_shop(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f(f"fk_{table}_shops"))


def _deeds() -> None:
    op.create_table(
        "deeds",
        shop(),
        sa.Column("key", KEY, nullable=False),
        number("customer_id"),
        sa.Column("thing", KEY, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("known_since", MOMENT, nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        number("points", default="0"),
        sa.Column("reason", KEY, server_default="", nullable=False),
        number("program_id", nullable=True),
        number("way_id", nullable=True),
        of_customer("deeds"),
        sa.PrimaryKeyConstraint("shop_id", "key", name=op.f("pk_deeds")),
    )
    op.create_index("ix_deeds_customer", "deeds", ["shop_id", "customer_id", "thing"])
    op.create_index("ix_deeds_recorded", "deeds", ["shop_id", "recorded_at", "key"])
    undecided = sa.text("decided_at IS NULL")
    op.create_index("ix_deeds_open", "deeds", ["shop_id", "customer_id"], postgresql_where=undecided)


def _sweeps() -> None:
    op.create_table(
        "deed_sweeps",
        shop(),
        sa.Column("swept_on", sa.Date(), nullable=False),
        of_shop("deed_sweeps"),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_deed_sweeps")),
    )


def _profiles() -> None:
    op.create_table(
        "profile_fields",
        shop(),
        serial(),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("choices", JSON, server_default="[]", nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("archived_at", MOMENT, nullable=True),
        of_shop("profile_fields"),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_profile_fields")),
    )
    asked = sa.text("kind = 'birthday' AND archived_at IS NULL")
    op.create_index("uq_profile_fields_birthday", "profile_fields", ["shop_id"], unique=True, postgresql_where=asked)
    op.create_table(
        "profile_values",
        shop(),
        number("customer_id"),
        number("field_id"),
        sa.Column("value", KEY, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        of_customer("profile_values"),
        sa.ForeignKeyConstraint(
            ["shop_id", "field_id"],
            ["profile_fields.shop_id", "profile_fields.id"],
            name=op.f("fk_profile_values_profile_fields"),
        ),
        sa.PrimaryKeyConstraint("shop_id", "customer_id", "field_id", name=op.f("pk_profile_values")),
    )
    op.create_index("ix_profile_values_value", "profile_values", ["shop_id", "field_id", "value"])


def _tokens() -> None:
    op.create_table(
        "api_tokens",
        shop(),
        serial(),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ends_at", MOMENT, nullable=True),
        of_shop("api_tokens"),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_api_tokens")),
    )


def downgrade() -> None:
    for table in ("api_tokens", "profile_values", "profile_fields", "deed_sweeps", "deeds"):
        op.drop_table(table)
