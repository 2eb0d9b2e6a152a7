"""Lines of orders and words of customers are written with their parents, and not checked row by row."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("fk_order_lines_orders", "order_lines", type_="foreignkey")
    op.drop_constraint("fk_customer_terms_customers", "customer_terms", type_="foreignkey")


def downgrade() -> None:
    op.create_foreign_key("fk_order_lines_orders", "order_lines", "orders", ["shop_id", "order_id"], ["shop_id", "id"])
    op.create_foreign_key(
        "fk_customer_terms_customers",
        "customer_terms",
        "customers",
        ["shop_id", "customer_id"],
        ["shop_id", "id"],
        ondelete="CASCADE",
    )
