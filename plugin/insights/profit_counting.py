"""Counting profit per customer on both sides of the split, some thousand customers a transaction.

Profit of a customer since they came into the split: goods of paid orders after discounts, without what was edited out
or refunded, without tax; less what the goods cost; less rewards; less mails. A reward paid as a discount on goods has
lowered the order already: only gift cards, credit and free shipping come off besides. Shipping itself is left out, what
is charged and what is paid for it. What they had bought in the year before is counted as it was bought, so nothing that
happens later can change it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.insights.models import ProfitReading
from plugin.insights.profit_rules import READINGS, Sums
from plugin.insights.profit_split import Split, Version, split
from plugin.loyalty import document
from plugin.loyalty.holdout import HOLDOUT, PLACE_SQL, PROGRAMME
from plugin.loyalty.models import Program
from plugin.shops.models import Shop

STEP = 10_000  # customers of one transaction
BEFORE = timedelta(days=365)  # how far back earlier spend is looked at
IN_BOTH = "both"

_UPTO = text("""
    SELECT max(id) FROM (SELECT id FROM customers WHERE shop_id = :shop AND id > :after ORDER BY id LIMIT :most) AS next
""")
_PLACE = PLACE_SQL.format(salt="CAST(:salt AS bigint)", customer="c.id")
_PLACE_OF_FORMER = PLACE_SQL.format(salt="CAST(:salt AS bigint)", customer="m.from_id")
_COUNT = text(f"""
    WITH spans AS (
        SELECT * FROM unnest(CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]), CAST(:low AS bigint[]),
            CAST(:high AS bigint[])) AS s (since, until, low, high)
    ), placed AS MATERIALIZED (
        SELECT c.id, greatest(coalesce(c.created_at, :started), :started) AS came, {_PLACE} AS place
        FROM customers c WHERE c.shop_id = :shop AND c.id > :after AND c.id <= :upto
            AND NOT EXISTS (SELECT FROM customer_merges m WHERE m.shop_id = :shop AND m.from_id = c.id)
    ), people AS MATERIALIZED (
        SELECT p.id, p.came,
            CASE WHEN EXISTS (
                SELECT FROM customer_merges m WHERE m.shop_id = :shop AND m.kept_id = p.id AND m.merged_at >= :started
                    AND (({_PLACE_OF_FORMER} < s.low) <> (p.place < s.low)
                        OR ({_PLACE_OF_FORMER} < s.high) <> (p.place < s.high))
            ) THEN '{IN_BOTH}'
            WHEN p.place < s.low THEN '{HOLDOUT}' WHEN p.place >= s.high THEN '{PROGRAMME}' ELSE '{IN_BOTH}' END AS side
        FROM placed p JOIN spans s ON p.came >= s.since AND p.came < s.until
    ), each AS (
        SELECT p.side, coalesce(sold.orders, 0) AS orders, coalesce(sold.goods, 0) AS goods,
            coalesce(given.cost, 0) AS rewards, coalesce(sent.mails, 0) * :mail AS mails,
            coalesce(earlier.spent, 0)::float8 AS x
        FROM people p
        LEFT JOIN LATERAL (
            SELECT sum(l.net) - sum(coalesce(r.back, 0)) AS orders, sum(l.list) * :goods / 100 AS goods
            FROM orders o
            CROSS JOIN LATERAL (
                SELECT coalesce(sum((price_minor * quantity - discount_minor
                        - CASE WHEN o.taxes_included THEN tax_minor ELSE 0 END) * kept / quantity), 0) AS net,
                    coalesce(sum(price_minor * kept), 0) AS list
                FROM (
                    SELECT *, greatest(0, least(current_quantity, quantity - coalesce((
                        SELECT sum(b.quantity) FROM refund_lines b
                        WHERE b.shop_id = :shop AND b.order_id = o.id AND b.line_id = ol.id), 0))) AS kept
                    FROM order_lines ol WHERE ol.shop_id = :shop AND ol.order_id = o.id AND quantity > 0
                        AND NOT gift_card
                ) AS lines
            ) AS l
            LEFT JOIN LATERAL (
                SELECT sum(amount_only_minor) AS back FROM refunds WHERE shop_id = :shop AND order_id = o.id
            ) AS r ON true
            WHERE o.shop_id = :shop AND o.customer_id = p.id AND o.processed_at >= p.came AND o.processed_at < :end
                AND o.known AND NOT o.test AND o.cancelled_at IS NULL AND o.deleted_at IS NULL
                AND o.currency = :currency
                AND lower(o.financial_status) IN ('paid', 'partially_refunded', 'refunded')
        ) AS sold ON true
        LEFT JOIN LATERAL (
            SELECT sum(CASE d.state WHEN 'expired' THEN 0 ELSE coalesce(d.spent_minor, d.cost_minor) END) AS cost
            FROM redemptions d
            WHERE d.shop_id = :shop AND d.customer_id = p.id AND d.created_at >= p.came AND d.created_at < :end
                AND d.state <> 'returned' AND d.kind IN ('gift_card', 'store_credit', 'free_shipping')
        ) AS given ON true
        LEFT JOIN LATERAL (
            SELECT count(*) AS mails FROM messages s
            WHERE s.shop_id = :shop AND s.customer_id = p.id AND s.sent_at >= p.came AND s.sent_at < :end
        ) AS sent ON true
        LEFT JOIN LATERAL (
            SELECT sum(o.subtotal_minor) AS spent FROM orders o
            WHERE o.shop_id = :shop AND o.customer_id = p.id AND o.processed_at >= p.came - CAST(:before AS interval)
                AND o.processed_at < p.came AND o.known AND NOT o.test AND o.currency = :currency
        ) AS earlier ON true
    ), counted AS (
        SELECT *, (orders - goods - rewards - mails)::float8 AS y FROM each
    )
    SELECT side, count(*), count(*) FILTER (WHERE orders > 0), sum(y), sum(x), sum(y * y), sum(x * y), sum(x * x),
        sum(y * y * y), sum(x * y * y), sum(x * x * y), sum(x * x * x),
        sum(orders)::float8, sum(goods)::float8, sum(rewards)::float8, sum(mails)::float8
    FROM counted GROUP BY side
""")


@dataclass(frozen=True)
class Terms:
    """What the merchant says of costs: goods in per cent of their price, a thousand mails in minor units."""

    goods_percent: int | None = None  # None: not told, and nothing comes off
    mails_minor: int = 0


@dataclass(frozen=True)
class Side:
    """One side counted: the sums for the comparison, and what profit is made of; minor units."""

    sums: Sums = Sums()
    orders: float = 0.0
    goods: float = 0.0
    rewards: float = 0.0
    mails: float = 0.0

    def __add__(self, other: Side) -> Side:
        parts = (getattr(self, name) + getattr(other, name) for name in ("orders", "goods", "rewards", "mails"))
        return Side(self.sums + other.sums, *parts)


def read(kept: dict[str, Any]) -> dict[str, Side]:
    """The sides of a reading by name: programme, holdout and those who were in both."""
    return {name: Side(**(side | {"sums": Sums(**side["sums"])})) for name, side in kept.items()}


def terms(shop: Shop) -> Terms:
    """What the shop's settings say."""
    return Terms(shop.settings.get("goods_percent"), shop.settings.get("mails_minor", 0))


def present(session: Session, shop: Shop) -> Split | None:
    """The split that goes on now."""
    columns = (Program.valid_from, Program.created_at, Program.rules, Program.holdout_salt)
    rows = session.execute(select(*columns).where(Program.shop_id == shop.id).order_by(Program.valid_from))
    versions = [Version(since, made, document.read(rules).holdout.percent, salt) for since, made, rules, salt in rows]
    return split(versions, clock.now(session))


def count_step(session: Session, shop: Shop) -> bool:
    """Count the next customers of the reading that is due; whether something may be left to do."""
    going_on = present(session, shop)
    reading = _due(session, shop, going_on) if going_on is not None else None
    if going_on is None or reading is None:
        return False
    asked = {"shop": shop.id, "after": reading.after or 0, "most": STEP}
    upto = session.execute(_UPTO, asked).scalar()
    if upto is None:
        reading.after, reading.finished_at = None, clock.now(session)
    else:
        _add(reading, _counted(session, shop, going_on, reading, asked | {"upto": upto}))
        reading.after = upto
    session.flush()
    return True


def _due(session: Session, shop: Shop, going_on: Split) -> ProfitReading | None:
    """The earliest reading that is not finished, locked; None when all are, or another worker has it."""
    week = min(going_on.weeks(clock.now(session)), READINGS[-1])
    mine = ProfitReading.shop_id == shop.id, ProfitReading.started_at == going_on.started_at
    finished = select(ProfitReading.week).where(*mine, ProfitReading.finished_at.is_not(None))
    wanted = {each for each in (*READINGS, week) if 0 < each <= week} - set(session.scalars(finished))
    if not wanted:
        return None
    key = {"shop_id": shop.id, "started_at": going_on.started_at, "week": min(wanted)}
    fresh = {"until": going_on.at(min(wanted)), "terms": asdict(terms(shop))}
    session.execute(insert(ProfitReading).values(**key, **fresh).on_conflict_do_nothing())
    one = select(ProfitReading).where(*mine, ProfitReading.week == min(wanted)).with_for_update(skip_locked=True)
    return session.scalar(one, execution_options={"populate_existing": True})


def _counted(
    session: Session, shop: Shop, going_on: Split, reading: ProfitReading, asked: dict[str, Any]
) -> dict[str, Side]:
    under = Terms(**reading.terms)
    spans = going_on.spans(reading.until)
    values = asked | {
        "since": [span.since for span in spans],
        "until": [span.until for span in spans],
        "low": [span.low for span in spans],
        "high": [span.high for span in spans],
        "salt": going_on.salt,
        "started": going_on.started_at,
        "end": reading.until,
        "before": BEFORE,
        "currency": shop.currency,
        "goods": under.goods_percent or 0,
        "mail": under.mails_minor / 1000,
    }
    rows = session.execute(_COUNT, values)
    return {row[0]: Side(Sums(*row[1:12]), *row[12:]) for row in rows}


def _add(reading: ProfitReading, found: dict[str, Side]) -> None:
    before = read(reading.sides)
    reading.sides = {
        name: asdict(before.get(name, Side()) + found.get(name, Side())) for name in before.keys() | found.keys()
    }
