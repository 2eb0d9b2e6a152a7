"""Mail takes turns between shops."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WAITING = sa.text("state IN ('queued', 'sending')")


def upgrade() -> None:
    _index(["shop_id", "next_attempt_at"])


def downgrade() -> None:
    _index(["next_attempt_at"])


def _index(columns: list[str]) -> None:
    op.drop_index("ix_messages_due", "messages")
    op.create_index("ix_messages_due", "messages", columns, unique=False, postgresql_where=WAITING)
