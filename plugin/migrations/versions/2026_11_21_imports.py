"""Imports that tell their troubles apart, go on where it makes sense, and keep rows that come before their parent."""

import sqlalchemy as sa
from alembic import op

from plugin.db import policies

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def new_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("goes_on_from", sa.Text(), nullable=True),
        sa.Column("rows_before", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=True),
        sa.Column("paced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paced_rows", sa.BigInteger(), server_default="0", nullable=False),
    ]


def upgrade() -> None:
    for column in new_columns():
        op.add_column("sync_runs", column)
    op.create_table(
        "import_lines",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("parent", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "run_id"],
            ["sync_runs.shop_id", "sync_runs.id"],
            name=op.f("fk_import_lines_sync_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_import_lines")),
    )
    op.create_index("ix_import_lines_parent", "import_lines", ["shop_id", "run_id", "parent"])
    for statement in policies.statements(["import_lines"]):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("import_lines")
    for column in reversed(new_columns()):
        op.drop_column("sync_runs", column.name)
