"""Which shops have an import or a comparison to bring on, seen across shops."""

from alembic import op

from plugin.db import policies

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in policies.TURNS:
        for statement in policies.turns(name):
            op.execute(statement)


def downgrade() -> None:
    for name, columns in policies.TURNS.items():
        op.execute(f"REVOKE SELECT ({', '.join(columns)}) ON {name} FROM {policies.SWEEP}")
        op.execute(f"DROP POLICY of_turns ON {name}")
