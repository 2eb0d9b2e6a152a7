"""Row-level security and grants, as SQL for migrations.

Three roles: regulars_owner owns and migrates, regulars_app runs web and worker, regulars_sweep looks across shops over
five tables, sees in two more whose turn it is, and is entered only by `SET LOCAL ROLE`. The policy is one comparison,
never an OR: an OR turns index scans into sequential ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

APP, OWNER, SWEEP = "regulars_app", "regulars_owner", "regulars_sweep"
SWEPT = ("shops", "inbox", "outbox", "enrollments", "messages")
TURNS = dict.fromkeys(("sync_runs", "drift_checks"), ("shop_id", "state", "next_attempt_at"))  # what it sees there
APPEND_ONLY = ("point_entries", "ledger_seals", "consents", "audit_log")
# No tenant column; strays are for the sweep role alone, and the proofs of erased shops for the owner alone.
SYSTEM = ("inbox_strays", "clock", "shared_breakers", "shop_erasures", "pulses", "body_digests")


# lz4 costs the server a third less than its default and is not built into every PostgreSQL.
COMPRESS_BODIES = """
DO $$ BEGIN
    ALTER TABLE inbox ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN NULL;
END $$
"""


def statements(tables: Iterable[str]) -> Iterator[str]:
    """Everything a fresh schema needs after its tables exist."""
    for name in tables:
        yield from of_table(name, tenant=name not in SYSTEM)
    yield f"GRANT USAGE ON SCHEMA public TO {APP}, {SWEEP}"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP}, {SWEEP}"


def of_table(name: str, tenant: bool = True) -> Iterator[str]:
    """Grants of one table, and its policies when its rows belong to shops."""
    if tenant:
        yield from _tenant_policies(name)
    else:
        yield from _system_grants(name)


def _tenant_policies(name: str) -> Iterator[str]:
    own = f"{'id' if name == 'shops' else 'shop_id'} = current_setting('app.shop_id')::bigint"
    yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY of_shop ON {name} TO {APP} USING ({own}) WITH CHECK ({own})"
    yield f"CREATE POLICY of_owner ON {name} TO {OWNER} USING (true) WITH CHECK (true)"
    verbs = "SELECT, INSERT" if name in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
    yield f"GRANT {verbs} ON {name} TO {APP}"
    if name in SWEPT:
        yield f"CREATE POLICY of_sweep ON {name} TO {SWEEP} USING (true) WITH CHECK (true)"
        yield f"GRANT SELECT, INSERT, UPDATE ON {name} TO {SWEEP}"


def turns(name: str) -> Iterator[str]:
    """Lets the sweep role see which shops have something to do in a table, and nothing else of it."""
    yield f"CREATE POLICY of_turns ON {name} FOR SELECT TO {SWEEP} USING (true)"
    yield f"GRANT SELECT ({', '.join(TURNS[name])}) ON {name} TO {SWEEP}"


def _system_grants(name: str) -> Iterator[str]:
    if name == "clock":
        yield f"GRANT SELECT, UPDATE ON {name} TO {APP}, {SWEEP}"
    elif name == "shared_breakers":
        yield f"GRANT SELECT, INSERT, UPDATE ON {name} TO {APP}"
    elif name in ("pulses", "body_digests"):
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {APP}"
    elif name == "inbox_strays":
        yield f"GRANT SELECT, INSERT, DELETE ON {name} TO {SWEEP}"
