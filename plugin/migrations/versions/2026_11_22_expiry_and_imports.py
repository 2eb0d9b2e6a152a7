"""Changes of expiry, limits of changes by hand, imports of points, and indexes for rare entries and expired lots."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLES = ("expiry_changes", "expiry_change_lots", "staff_points", "point_imports", "point_import_rows")
MOMENT = sa.DateTime(timezone=True)
KEY = sa.Text(collation="C")


def shop() -> sa.Column:
    return sa.Column("shop_id", sa.BigInteger(), nullable=False)


def number(name: str, default: str | None = None, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, server_default=default, nullable=nullable)


def serial() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def of_shop(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=f"fk_{table}_shops")


def upgrade() -> None:
    op.create_index(
        "ix_point_entries_rare", "point_entries", ["shop_id", "kind", "id"], postgresql_where=sa.text("kind <> 'earn'")
    )
    op.create_index("ix_point_entries_created", "point_entries", ["created_at"], postgresql_using="brin")
    op.create_index(
        "ix_point_lots_expired", "point_lots", ["shop_id", "customer_id"], postgresql_where=sa.text("expired > 0")
    )
    op.create_table(
        "expiry_changes",
        shop(),
        serial(),
        sa.Column("kind", KEY, nullable=False),
        number("customer_id", nullable=True),
        number("days"),
        sa.Column("since", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("state", KEY, server_default="running", nullable=False),
        number("after_customer", "0"),
        number("lots", "0"),
        number("points", "0"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("undone_by", sa.Text(), server_default="", nullable=False),
        of_shop("expiry_changes"),
        sa.PrimaryKeyConstraint("shop_id", "id", name="pk_expiry_changes"),
    )
    op.create_table(
        "expiry_change_lots",
        shop(),
        number("change_id"),
        number("lot_id"),
        number("customer_id"),
        number("points"),
        sa.Column("before", MOMENT, nullable=False),
        sa.Column("after", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "change_id"],
            ["expiry_changes.shop_id", "expiry_changes.id"],
            name="fk_expiry_change_lots_expiry_changes",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "lot_id"], ["point_lots.shop_id", "point_lots.id"], name="fk_expiry_change_lots_point_lots"
        ),
        sa.PrimaryKeyConstraint("shop_id", "change_id", "lot_id", name="pk_expiry_change_lots"),
    )
    op.create_index("ix_expiry_change_lots_customer", "expiry_change_lots", ["shop_id", "change_id", "customer_id"])
    op.create_table(
        "staff_points",
        shop(),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        number("points"),
        of_shop("staff_points"),
        sa.PrimaryKeyConstraint("shop_id", "actor", "day", name="pk_staff_points"),
    )
    op.create_table(
        "point_imports",
        shop(),
        serial(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", KEY, server_default="ready", nullable=False),
        number("lines"),
        number("faulty"),
        number("customers"),
        number("points"),
        number("lapsed"),
        number("done", "0"),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        of_shop("point_imports"),
        sa.PrimaryKeyConstraint("shop_id", "id", name="pk_point_imports"),
    )
    op.create_table(
        "point_import_rows",
        shop(),
        number("import_id"),
        number("line"),
        sa.Column("who", sa.Text(), server_default="", nullable=False),
        number("customer_id", nullable=True),
        number("points", nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("problem", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("applied", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "import_id"],
            ["point_imports.shop_id", "point_imports.id"],
            name="fk_point_import_rows_point_imports",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shop_id", "import_id", "line", name="pk_point_import_rows"),
    )
    op.create_index("ix_point_import_rows_customer", "point_import_rows", ["shop_id", "import_id", "customer_id"])
    op.create_index(
        "ix_point_import_rows_faulty",
        "point_import_rows",
        ["shop_id", "import_id", "line"],
        postgresql_where=sa.text("problem IS NOT NULL"),
    )
    for statement in policies.statements(TABLES):
        op.execute(statement)


def downgrade() -> None:
    for table in ("point_import_rows", "point_imports", "staff_points", "expiry_change_lots", "expiry_changes"):
        op.drop_table(table)
    op.drop_index("ix_point_lots_expired", "point_lots")
    op.drop_index("ix_point_entries_created", "point_entries")
    op.drop_index("ix_point_entries_rare", "point_entries")
