"""The programme document, what rules ask of orders, collections, and lots that no order brought by their source."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = ("order_facts", "collections", "collection_products")
JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.add_column("programs", sa.Column("rules", JSON, server_default="{}", nullable=False))
    source = sa.text("source IS NOT NULL")
    op.create_index("ix_point_lots_source", "point_lots", ["shop_id", "source"], postgresql_where=source)
    op.create_table(
        "order_facts",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("customer_tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("lines", JSON, nullable=False),
        sa.ForeignKeyConstraint(["shop_id", "order_id"], ["orders.shop_id", "orders.id"], name="fk_order_facts_orders"),
        sa.PrimaryKeyConstraint("shop_id", "order_id", name=op.f("pk_order_facts")),
    )
    op.create_table(
        "collections",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("handle", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.LargeBinary(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_collections_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_collections")),
    )
    op.create_table(
        "collection_products",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "collection_id"],
            ["collections.shop_id", "collections.id"],
            name=op.f("fk_collection_products_collections"),
        ),
        sa.PrimaryKeyConstraint("shop_id", "collection_id", "product_id", name=op.f("pk_collection_products")),
    )
    op.create_index("ix_collection_products_product", "collection_products", ["shop_id", "product_id"])
    for statement in policies.statements(TABLES):
        op.execute(statement)


def downgrade() -> None:
    for table in ("collection_products", "collections", "order_facts"):
        op.drop_table(table)
    op.drop_index("ix_point_lots_source", "point_lots")
    op.drop_column("programs", "rules")
