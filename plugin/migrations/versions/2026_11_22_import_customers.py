"""Customers of imported orders wait to be counted and settled together."""

import sqlalchemy as sa
from alembic import op

from plugin.db import policies

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_customers",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "customer_id", name=op.f("pk_import_customers")),
    )
    for statement in policies.statements(["import_customers"]):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("import_customers")
