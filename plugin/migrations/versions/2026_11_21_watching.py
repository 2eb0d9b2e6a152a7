"""Signs of life, whose body it was first, and the app may read which schema it stands on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")
MOMENT = sa.DateTime(timezone=True)
TABLES = ("pulses", "body_digests")


def upgrade() -> None:
    op.create_table(
        "pulses",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("started_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("drained", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("budgets", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pulses")),
    )
    op.create_table(
        "body_digests",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_body_digests")),
    )
    op.create_index("ix_body_digests_seen_at", "body_digests", ["seen_at"], postgresql_using="brin")
    op.create_index(
        "ix_messages_stuck", "messages", ["shop_id", "id"], postgresql_where=sa.text("state IN ('failed', 'unknown')")
    )
    for statement in policies.statements(TABLES):
        op.execute(statement)
    op.execute(f"GRANT SELECT ON alembic_version TO {policies.APP}")


def downgrade() -> None:
    op.execute(f"REVOKE SELECT ON alembic_version FROM {policies.APP}")
    op.drop_index("ix_messages_stuck", "messages")
    for table in reversed(TABLES):
        op.drop_table(table)
