"""What the store told us, as it came, and the runs that fetch its history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop, Serial


class Inbox(OfShop, Base):
    """The queue of record: a webhook answered 200 is a row here.

    No foreign key and few indexes: the receiver writes at full speed. `id` is looked for only among rows that wait or
    are parked, so the partial indexes serve.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        Index("ix_inbox_waiting", "shop_id", "id", postgresql_where=text("state = 'new'")),
        Index("ix_inbox_parked", "shop_id", "id", postgresql_where=text("state IN ('failed', 'quarantined')")),
        Index("ix_inbox_received", "shop_id", "received_at"),
    )

    webhook_id: Mapped[Key] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity())
    topic: Mapped[Key]
    state: Mapped[Key] = mapped_column(server_default="new")  # new, done, ignored, failed, quarantined
    error: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime | None]  # machine time; null: at once
    api_version: Mapped[str | None]
    event_id: Mapped[str | None]
    triggered_at: Mapped[datetime | None]
    received_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    done_at: Mapped[datetime | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class Stray(Base):
    """A signed webhook of a shop we do not know (yet); replayed when it installs."""

    __tablename__ = "inbox_strays"
    __table_args__ = (UniqueConstraint("domain", "webhook_id"),)

    id: Mapped[Serial]
    domain: Mapped[Key]
    webhook_id: Mapped[Key]
    topic: Mapped[Key]
    api_version: Mapped[str | None]
    event_id: Mapped[str | None]
    triggered_at: Mapped[datetime | None]
    received_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    body: Mapped[bytes] = mapped_column(LargeBinary)


class BodyDigest(Base):
    """Which shop a body came to first: the same bytes under another shop's name are a replay (headers are not signed).

    Of no shop, because it must be seen across them; a digest tells nothing of the body.
    """

    __tablename__ = "body_digests"
    __table_args__ = (Index("ix_body_digests_seen_at", "seen_at", postgresql_using="brin"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)  # the first 16 bytes of its SHA-256
    shop_id: Mapped[int]
    seen_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class DrainMark(OfShop, Base):
    """A batch that was begun and not finished: found by the next worker, it means that the last one died in it.

    Committed on its own before the batch is touched, removed in the batch's transaction; so attempts are counted on the
    batch and no innocent row pays.
    """

    __tablename__ = "drain_marks"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    through_id: Mapped[int]  # the batch held waiting rows up to this inbox id
    begun_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class SyncRun(OfShop, Base):
    """One import of one kind of object, with its progress. Comparisons with the store have rows of their own."""

    __tablename__ = "sync_runs"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        Index("ix_sync_runs_open", "shop_id", "id", postgresql_where=text("state IN ('waiting', 'running')")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[Key]  # backfill
    object: Mapped[Key]  # customers, orders, products, checkouts
    state: Mapped[Key] = mapped_column(server_default="waiting")  # waiting, running, done, failed, cancelled
    operation_gid: Mapped[str | None]
    operation_state: Mapped[str | None]
    rows_total: Mapped[int | None]
    rows_done: Mapped[int] = mapped_column(server_default="0")
    bytes_done: Mapped[int] = mapped_column(server_default="0")  # resume point in the JSONL
    error: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # Of an import alone (plugin/sync/runs.py); moments are machine time.
    trouble: Mapped[str | None]  # what went wrong last, one of plugin/sync/troubles.py
    tries: Mapped[int] = mapped_column(server_default="0")  # in vain, since something came in
    next_attempt_at: Mapped[datetime | None]  # null: at once
    asks: Mapped[int] = mapped_column(server_default="0")  # operations asked for so far
    asked_at: Mapped[datetime | None]  # asked, and the answer not written down yet
    goes_on_from: Mapped[str | None]  # the search that leaves out what earlier operations brought
    rows_before: Mapped[int] = mapped_column(server_default="0")  # of rows_done, by earlier operations
    expected: Mapped[int | None]  # how many the store counted before it began to read
    paced_at: Mapped[datetime | None]  # the pace is measured from here: at most two minutes back
    paced_rows: Mapped[int] = mapped_column(server_default="0")


class ImportLine(OfShop, Base):
    """A row of a bulk result whose parent had not come when it was read; waits for it until the import ends."""

    __tablename__ = "import_lines"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "run_id"], ["sync_runs.shop_id", "sync_runs.id"], ondelete="CASCADE"),
        Index("ix_import_lines_parent", "shop_id", "run_id", "parent"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    run_id: Mapped[int]
    parent: Mapped[int]  # the number in the parent's global id
    line: Mapped[bytes] = mapped_column(LargeBinary)


class ImportCustomer(OfShop, Base):
    """A customer whose orders an import brought, until they are counted and settled (plugin/sync/afterwards.py).

    No foreign key: the row is written with the orders, which have one.
    """

    __tablename__ = "import_customers"

    customer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class DriftCheck(OfShop, Base):
    """One comparison of one kind of object with the store: what was looked at, what differed, what was healed.

    waiting → reading (pages of the store's list, by id) → healing (what differs is fetched) → done | failed. At most
    one of a kind and reach is open in a shop. `since` and `until` are business time, all else is machine time.
    """

    __tablename__ = "drift_checks"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        Index(
            "uq_drift_checks_open",
            "shop_id",
            "object",
            "reach",
            unique=True,
            postgresql_where=text("state IN ('waiting', 'reading', 'healing')"),
        ),
        Index("ix_drift_checks_object", "shop_id", "object", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    object: Mapped[Key]  # customers, products, orders, checkouts, webhooks
    reach: Mapped[Key]  # recent: what changed since the last one; all: every object, its content too
    asked_by: Mapped[Key] = mapped_column(server_default="schedule")  # schedule, admin, command
    state: Mapped[Key] = mapped_column(server_default="waiting")
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]  # what changed later is left to the next check
    last_id: Mapped[int] = mapped_column(server_default="0")  # resume point: the store's id
    total: Mapped[int | None]  # how many the store has
    way: Mapped[Key] = mapped_column(server_default="pages")  # pages, bulk; refused: pages, for bulk failed
    paged: Mapped[int] = mapped_column(server_default="0")  # of `compared`, by pages
    asked_at: Mapped[datetime | None]  # when a bulk operation was asked for
    operation_gid: Mapped[str | None]
    listed: Mapped[int | None]  # how many the operation has read so far
    bytes_done: Mapped[int] = mapped_column(server_default="0")  # resume point in its result
    compared: Mapped[int] = mapped_column(server_default="0")
    differed: Mapped[int] = mapped_column(server_default="0")
    healed: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None]
    tries: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class DriftFinding(OfShop, Base):
    """One object that looked different in a check. It counts only when the answer changed more than its version."""

    __tablename__ = "drift_findings"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "check_id"], ["drift_checks.shop_id", "drift_checks.id"], ondelete="CASCADE"),
        Index("ix_drift_findings_open", "shop_id", "check_id", postgresql_where=text("outcome = 'open'")),
    )

    check_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[Key] = mapped_column(primary_key=True)  # id, a checkout's token, a topic
    store_id: Mapped[int | None]  # what a fetch asks for
    reason: Mapped[Key]  # missing, older, different, gone; of subscriptions also address, version, narrowed
    groups: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")  # of columns that were different
    before: Mapped[dict[str, Any] | None]  # a digest of each group as it was; emptied when it is settled
    outcome: Mapped[Key] = mapped_column(server_default="open")  # open, healed, same, hidden, failed
    found_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    settled_at: Mapped[datetime | None]
