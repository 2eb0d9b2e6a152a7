"""Figures for Prometheus, read from the database at each scrape, so that every web process tells the same.

Shops are numbers here, never names. What row-level security keeps to a shop is asked shop by shop and kept for a
minute, because a scrape must stay cheap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.db import engine as db
from plugin.db import pulses
from plugin.privacy import queries as privacy
from plugin.shops import queries as shops
from plugin.watching import budgets, readiness

FORMAT = CONTENT_TYPE_LATEST
MINUTE = 60.0
TIMEOUT = text("SET LOCAL statement_timeout = '5s'")
DUE = "(next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp())"
# The state lists are literal text, because only then the planner uses the partial indexes.
INBOX = text(f"""
    SELECT count(*) FILTER (WHERE {DUE}) AS waiting, count(*) FILTER (WHERE NOT {DUE}) AS postponed,
        coalesce(extract(epoch FROM clock_timestamp() - min(received_at) FILTER (WHERE {DUE})), 0) AS age
    FROM inbox WHERE state = 'new'
""")
PARKED = text("SELECT state, count(*) FROM inbox WHERE state IN ('failed', 'quarantined') GROUP BY state")
STRAYS = text("SELECT count(*) FROM inbox_strays")
EFFECTS = text("""
    SELECT kind, state, count(*) FROM outbox WHERE state IN ('pending', 'claimed', 'calling') GROUP BY kind, state
    UNION ALL
    SELECT kind, state, count(*) FROM outbox WHERE state IN ('failed', 'unknown') GROUP BY kind, state
""")
EFFECT_AGE = text("""
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(next_attempt_at)), 0) FROM outbox
    WHERE state IN ('pending', 'claimed', 'calling') AND NOT patient AND next_attempt_at <= clock_timestamp()
""")
MAILS = text("""
    SELECT state, count(*) FROM messages WHERE state IN ('queued', 'sending') GROUP BY state
    UNION ALL
    SELECT state, count(*) FROM messages WHERE state IN ('failed', 'unknown') GROUP BY state
""")
SHOPS = text("""
    SELECT count(*) FILTER (WHERE uninstalled_at IS NULL AND installed_at IS NOT NULL),
        count(*) FILTER (WHERE needs_reauth AND uninstalled_at IS NULL) FROM shops
""")
SHARED_BREAKERS = text("SELECT destination, (open_until IS NOT NULL)::int FROM shared_breakers ORDER BY destination")
BREAKERS = text("SELECT count(*) FROM breakers WHERE open_until IS NOT NULL")
PRIVACY = text("""
    SELECT count(*), extract(epoch FROM min(due_at)) FROM privacy_requests WHERE state NOT IN ('done', 'held', 'erased')
""")
DRIFT = text("""
    SELECT DISTINCT ON (object) object, compared, differed, healed, extract(epoch FROM finished_at)
    FROM drift_checks WHERE state = 'done' ORDER BY object, id DESC
""")


def exposition() -> bytes:
    """All figures in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures())
    return generate_latest(registry)


class _Figures(Collector):
    def collect(self) -> Iterator[Metric]:
        with db.system_transaction() as session:
            session.execute(TIMEOUT)
            yield from _inbox(session)
            yield from _effects(session)
            yield from _mails_and_shops(session)
        yield from _life()
        yield from _per_shop()


def _inbox(session: Session) -> Iterator[Metric]:
    waiting, postponed, age = session.execute(INBOX).one()
    rows = {"waiting": waiting, "postponed": postponed, "failed": 0, "quarantined": 0}
    rows |= dict(row._tuple() for row in session.execute(PARKED))
    rows["stray"] = session.execute(STRAYS).scalar_one()
    yield _gauge("regulars_inbox_rows", "Webhooks that are not applied, by state", ("state",), rows.items())
    yield _gauge("regulars_inbox_age_seconds", "How long the oldest webhook that is due has waited", (), [((), age)])


def _effects(session: Session) -> Iterator[Metric]:
    counted = [((kind, state), count) for kind, state, count in session.execute(EFFECTS)]
    yield _gauge("regulars_effects", "What must happen outside and is not done", ("kind", "state"), counted)
    age = session.execute(EFFECT_AGE).scalar_one()
    yield _gauge("regulars_effects_age_seconds", "How long the effect that is due longest is due", (), [((), age)])


def _mails_and_shops(session: Session) -> Iterator[Metric]:
    mails = {"queued": 0, "sending": 0, "failed": 0, "unknown": 0}
    mails |= dict(row._tuple() for row in session.execute(MAILS))
    yield _gauge("regulars_mails", "Mails that are not sent, by state", ("state",), mails.items())
    installed, shut = session.execute(SHOPS).one()
    yield _gauge("regulars_shops", "Shops that have the plugin", (), [((), installed)])
    yield _gauge("regulars_shops_to_open", "Shops whose staff must open the panel again", (), [((), shut)])


def _life() -> Iterator[Metric]:
    """Who is at work. Whoever never signed has no line: alert on the absence too."""
    signs = pulses.signs()
    workers = [sign for sign in signs if sign.is_worker]
    ages = [(sign.name.removeprefix("worker:"), sign.age.total_seconds()) for sign in workers]
    yield _gauge("regulars_worker_age_seconds", "Since a worker last finished a task", ("worker",), ages)
    beat = [((), sign.age.total_seconds()) for sign in signs if sign.name == pulses.BEAT]
    yield _gauge("regulars_beat_age_seconds", "Since beat was last heard", (), beat)
    drained = CounterMetricFamily("regulars_drained", "Webhooks taken from inboxes", labels=("worker",))
    for sign in workers:
        drained.add_metric([sign.name.removeprefix("worker:")], sign.drained)
    yield drained
    points = budgets.freshest(signs)
    left = [(shop, there) for shop, (there, _) in points.items()]
    yield _gauge("regulars_api_points", "Points left of the Admin API's rate limit", ("shop",), left)
    most = [(shop, most) for shop, (_, most) in points.items()]
    yield _gauge("regulars_api_points_most", "Points a full bucket holds", ("shop",), most)
    yield _gauge("regulars_redis_up", "Whether Redis can be rung", (), [((), int(readiness.redis() == "ok"))])


@dataclass
class _Kept:
    """What was asked shop by shop, and when."""

    at: float = -MINUTE
    requests: int = 0
    urgent: Counter[str] = field(default_factory=Counter)
    due_at: float | None = None
    open_breakers: int = 0
    drift: dict[tuple[str, str], Sequence[float]] = field(default_factory=dict)


_kept = _Kept()


def _per_shop() -> Iterator[Metric]:
    kept = _fresh()
    yield _gauge("regulars_privacy_requests", "Privacy requests that are not done", (), [((), kept.requests)])
    urgent = [(level, kept.urgent[level]) for level in ("soon", "late")]
    yield _gauge(
        "regulars_privacy_urgent", "Privacy requests of day 20 (soon) and of day 28 (late)", ("urgency",), urgent
    )
    due = [((), kept.due_at)] if kept.due_at is not None else []
    yield _gauge("regulars_privacy_due_timestamp_seconds", "When the next privacy request is due", (), due)
    drift = kept.drift.items()
    for place, (name, text_) in enumerate(DRIFT_FIGURES):
        yield _gauge(f"regulars_drift_{name}", text_, ("shop", "object"), [(key, row[place]) for key, row in drift])
    with db.engine().connect() as connection:
        shared = [(row[0], row[1]) for row in connection.execute(SHARED_BREAKERS)]
    said = [*shared, ("admin_api", kept.open_breakers)]
    yield _gauge("regulars_breakers_open", "Destinations that are left alone", ("destination",), said)


DRIFT_FIGURES = (
    ("compared", "Objects looked at by the last comparison with the store"),
    ("differed", "Objects that differed in it"),
    ("healed", "Objects that were fetched again because of it"),
    ("checked_timestamp_seconds", "When it ended"),
)


def _fresh() -> _Kept:
    global _kept
    if monotonic() < _kept.at + MINUTE:
        return _kept
    found = _Kept(at=monotonic())
    for shop_id in shops.all_ids():  # who left may wait to be erased
        with db.transaction(shop_id) as session:
            _ask(session, shop_id, found)
    _kept = found
    return found


def _ask(session: Session, shop_id: int, found: _Kept) -> None:
    count, due_at = session.execute(PRIVACY).one()
    found.requests += count
    if due_at is not None:
        found.due_at = min(float(due_at), found.due_at or float(due_at))
    found.urgent += privacy.unfinished_by_urgency(session, shop_id, clock.now(session))
    found.open_breakers += session.execute(BREAKERS).scalar_one()
    for kind, *figures in session.execute(DRIFT):
        found.drift[str(shop_id), kind] = figures


def _gauge(
    name: str, text_: str, labels: tuple[str, ...], rows: Iterable[tuple[str | tuple[str, ...], float]]
) -> Metric:
    family = GaugeMetricFamily(name, text_, labels=labels)
    for key, value in rows:
        family.add_metric([key] if isinstance(key, str) else list(key), float(value))
    return family
