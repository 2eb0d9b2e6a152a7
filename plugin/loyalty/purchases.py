"""The rows of one purchase, asked for in one statement and written in one.

The same could be said with plugin.loyalty.ledger and the session, and was: one statement a table costs three times the
work of both sides (docs/decisions.md). What is written is what movements in a Book made, as `ledger.write` would.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec
import psycopg

from plugin.loyalty import tallies
from plugin.loyalty.lots import Book, Lot, Use


class Wanted(NamedTuple):
    """A reward as it is at the moment of a click, and the number that the redemption would get."""

    id: int
    name: str
    kind: str
    cost_points: int
    value_minor: int
    currency: str
    minimum_minor: int
    valid_days: int
    active: bool
    raw_terms: dict[str, Any]
    version: int
    archived: bool
    tallied: bool
    each_minor: int | None
    points_many: str | None
    holdout_salt: int | None  # of the programme in force, with its share: who is held out buys nothing
    holdout_percent: int | None
    expires_by: str | None  # whether this purchase gives the customer's other points more time
    number: int


class Asked(NamedTuple):
    """What a click wants, what it made before, and the lots that can pay."""

    reward: Wanted
    before: int | None
    lots: list[Lot]


# After the account is locked, in a statement of its own, so that the click before is seen. The number is a subquery, so
# that it is drawn once and not for each lot.
_ASK = """
    SELECT r.id, r.name, r.kind, r.cost_points, r.value_minor, r.currency, r.minimum_minor, r.valid_days, r.active,
        r.terms, r.version, r.archived_at IS NOT NULL, t.reward_id IS NOT NULL, t.each_minor,
        p.points_many, p.holdout_salt, (p.rules->'holdout'->>'percent')::bigint, p.rules->'expiry'->>'by',
        (SELECT nextval('redemptions_id_seq')),
        (SELECT id FROM redemptions WHERE shop_id = %(shop)s AND customer_id = %(customer)s AND request_key = %(key)s),
        l.*
    FROM rewards r LEFT JOIN reward_tallies t ON t.shop_id = r.shop_id AND t.reward_id = r.id
    LEFT JOIN LATERAL (
        SELECT points_many, holdout_salt, rules FROM programs WHERE shop_id = %(shop)s AND valid_from <= %(now)s
            AND (valid_to IS NULL OR valid_to > %(now)s) ORDER BY valid_from DESC LIMIT 1
    ) p ON true
    LEFT JOIN LATERAL (
        SELECT id, customer_id, order_id, source, granted, remaining, expired, expiries, pending, available_at,
            expires_at
        FROM point_lots WHERE shop_id = %(shop)s AND customer_id = %(customer)s AND remaining > 0 OFFSET 0
    ) l ON true
    WHERE r.shop_id = %(shop)s AND r.id = %(reward)s
"""
_OWN = len(Wanted._fields)


def ask(
    cursor: psycopg.Cursor[Any], shop_id: int, customer_id: int, reward_id: int, key: str, now: datetime
) -> Asked | None:
    """None when there is no such reward."""
    values = {"shop": shop_id, "customer": customer_id, "reward": reward_id, "key": key, "now": now}
    rows = cursor.execute(_ASK, values).fetchall()
    if not rows:
        return None
    first = rows[0]
    lots = [Lot(*row[_OWN + 1 :]) for row in rows if row[_OWN + 1] is not None]
    return Asked(Wanted(*first[:_OWN]), first[_OWN], lots)


_COLUMNS = (
    "shop_id", "id", "customer_id", "reward_id", "reward_version", "kind", "request_key", "points", "value_minor",
    "currency", "minimum_minor", "cost_minor", "comes_back", "code", "state", "created_at", "expires_at",
)  # fmt: skip
# Lots go through ON CONFLICT and not UPDATE ... FROM, so that they are looked up by key whatever the planner believes,
# and the statement is planned once a connection: with an array it would be planned anew for each purchase.
_WRITE = f"""
    WITH bought AS (
        INSERT INTO redemptions ({", ".join(_COLUMNS)}) VALUES ({", ".join(f"%({name})s" for name in _COLUMNS)})
    ), told AS (
        INSERT INTO point_entries (shop_id, customer_id, kind, points, counter_account, key, occurred_at, explanation,
            order_id, redemption_id, program_id, actor, available_at, expires_at, created_at)
        SELECT %(shop_id)s, e.customer_id, e.kind, e.points, e.counter_account, e.key, e.occurred_at, e.explanation,
            e.order_id, e.redemption_id, e.program_id, e.actor, e.available_at, e.expires_at, %(created_at)s
        FROM jsonb_to_recordset(%(entries)s::jsonb) AS e (customer_id bigint, kind text, points bigint,
            counter_account text, key text, occurred_at timestamptz, explanation jsonb, order_id bigint,
            redemption_id bigint, program_id bigint, actor text, available_at timestamptz, expires_at timestamptz)
    ), kept AS (
        INSERT INTO point_lots (shop_id, created_at, id, customer_id, order_id, source, granted, remaining, expired,
            expiries, pending, available_at, expires_at)
        SELECT %(shop_id)s, %(created_at)s, n.*
        FROM jsonb_to_recordset(%(lots)s::jsonb) AS n (id bigint, customer_id bigint, order_id bigint, source text,
            granted bigint, remaining bigint, expired bigint, expiries bigint, pending boolean,
            available_at timestamptz, expires_at timestamptz)
        ON CONFLICT (shop_id, id) DO UPDATE SET granted = excluded.granted, remaining = excluded.remaining,
            expired = excluded.expired, expiries = excluded.expiries, pending = excluded.pending
    ), paid AS (
        UPDATE point_accounts SET available = %(available)s, pending = %(pending)s, debt = %(debt)s,
            updated_at = %(created_at)s
        WHERE shop_id = %(shop_id)s AND customer_id = %(customer_id)s
    ), used AS (
        INSERT INTO lot_uses (shop_id, redemption_id, lot_id, points)
        SELECT %(shop_id)s, %(id)s, u.lot_id, u.points
        FROM jsonb_to_recordset(%(uses)s::jsonb) AS u (lot_id bigint, points bigint)
    ), asked AS (
        INSERT INTO outbox (shop_id, kind, key, urgent, payload)
        VALUES (%(shop_id)s, %(effect)s, %(effect_key)s, true, %(payload)s::jsonb)
    ), news AS (
        INSERT INTO point_news (shop_id, customer_id, noted_at)
        VALUES (%(shop_id)s, %(customer_id)s, %(created_at)s)
        ON CONFLICT (shop_id, customer_id) DO UPDATE SET noted_at = excluded.noted_at
    ), taken AS ({tallies.TAKE} RETURNING 1)
    SELECT count(*) FROM taken
"""


def write(
    cursor: psycopg.Cursor[Any],
    row: dict[str, Any],
    book: Book,
    uses: Iterable[Use],
    effect: tuple[str, dict[str, Any]],
    month: date,
) -> bool:
    """Redemption, ledger, effect and tally; False when the tally's limits forbid it: then nothing may be committed."""
    values = row | {
        "entries": _json([entry._asdict() for entry in book.entries]),
        "lots": _json([lot for lot in book.lots if lot.changed]),
        "uses": _json([use._asdict() for use in uses]),
        "available": book.available,
        "pending": book.pending,
        "debt": book.debt,
        "effect": effect[0],
        "effect_key": str(row["id"]),
        "payload": _json(effect[1]),
        **tallies.asking(row["shop_id"], row["reward_id"], month, row["cost_minor"]),
    }
    (taken,) = cursor.execute(_WRITE, values).fetchone() or (0,)
    return bool(taken)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
