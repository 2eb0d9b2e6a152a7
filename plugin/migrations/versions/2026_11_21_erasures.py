"""Erasing for good: tombstones, proofs, sealed exports, and what staff typed moved out of the ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("erasures", "shop_erasures", "point_notes")
MOVE_NOTES = """
    INSERT INTO point_notes (shop_id, entry_id, note)
    SELECT shop_id, id, explanation->>'reason' FROM point_entries WHERE kind = 'adjust' AND explanation ? 'reason'
"""
FORGET_NOTES = "UPDATE point_entries SET explanation = explanation - 'reason' WHERE kind = 'adjust'"


def upgrade() -> None:
    op.add_column("shops", sa.Column("veil_key", sa.LargeBinary(), nullable=True))
    for column in request_columns():
        op.add_column("privacy_requests", column)
    op.create_table(
        "erasures",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_erasures_shops")),
        sa.PrimaryKeyConstraint("shop_id", "key", name=op.f("pk_erasures")),
    )
    op.create_table(
        "shop_erasures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("erased_shop_id", sa.BigInteger(), nullable=False),
        sa.Column("domain_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("manifest_sha256", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_erasures")),
    )
    op.create_table(
        "point_notes",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "entry_id"],
            ["point_entries.shop_id", "point_entries.id"],
            name=op.f("fk_point_notes_point_entries"),
        ),
        sa.PrimaryKeyConstraint("shop_id", "entry_id", name=op.f("pk_point_notes")),
    )
    for statement in policies.statements(TABLES):
        op.execute(statement)
    op.execute(f"GRANT UPDATE (email) ON consents TO {policies.APP}")  # veiled when erased; the word itself stays
    op.execute(MOVE_NOTES)
    op.execute(FORGET_NOTES)


def request_columns() -> list[sa.Column]:
    return [
        sa.Column("read_to", sa.Text(collation="C"), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("manifest_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("export", sa.LargeBinary(), nullable=True),
        sa.Column("export_until", sa.DateTime(timezone=True), nullable=True),
    ]


def downgrade() -> None:
    op.execute(f"REVOKE UPDATE (email) ON consents FROM {policies.APP}")
    for table in reversed(TABLES):
        op.drop_table(table)
    for column in request_columns():
        op.drop_column("privacy_requests", column.name)
    op.drop_column("shops", "veil_key")
