"""Who we are in the database. Web and worker refuse to start as anybody whom row-level security does not bind."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from plugin.errors import Refused, Unavailable

# The owner of a table, or a member of the owning role, could switch the policies off; the other two ignore them.
WHO = """
    SELECT r.rolname, r.rolsuper, r.rolbypassrls,
           EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
                   AND pg_has_role(current_user, c.relowner, 'MEMBER')) AS owns
    FROM pg_roles r WHERE r.rolname = current_user
"""


def refuse_privileged(engine: Engine) -> None:
    """Raises Refused when DATABASE_URL names a superuser, an owner of our tables or a role with BYPASSRLS.

    Raises Unavailable when that cannot be known, because the database does not answer.
    """
    name, superuser, bypasses, owns = _who(engine)
    reasons = [
        reason
        for reason, true in (
            ("is a superuser", superuser),
            ("may bypass row-level security", bypasses),
            ("owns the tables", owns and not superuser),
        )
        if true
    ]
    if reasons:
        raise Refused(
            "The database role %(name)s %(reasons)s, so one shop could see another. "
            "Give DATABASE_URL the role regulars_app; the owner belongs into DATABASE_OWNER_URL alone.",
            name=name,
            reasons=" and ".join(reasons),
        )


def _who(engine: Engine) -> Any:
    try:
        with engine.connect() as connection:
            return connection.execute(text(WHO)).one()
    except SQLAlchemyError as error:
        raise Unavailable("The database of DATABASE_URL does not answer, so this process does not start.") from error
