"""How a comparison reads the store: by pages, or by one bulk operation."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def new_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("way", sa.Text(collation="C"), server_default="pages", nullable=False),
        sa.Column("paged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("operation_gid", sa.Text(), nullable=True),
        sa.Column("listed", sa.BigInteger(), nullable=True),
        sa.Column("bytes_done", sa.BigInteger(), server_default="0", nullable=False),
    ]


def upgrade() -> None:
    for column in new_columns():
        op.add_column("drift_checks", column)


def downgrade() -> None:
    for column in reversed(new_columns()):
        op.drop_column("drift_checks", column.name)
