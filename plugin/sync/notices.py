"""Topics about the shop or the app itself: they change no mirror, but what we know of the tenant."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from plugin.commerce import catalogue
from plugin.jobs.doorbell import ring_after_commit
from plugin.loyalty import shelves
from plugin.privacy import operations as privacy
from plugin.shops import operations as shops
from plugin.shops.models import Shop
from plugin.sync import payloads as body
from plugin.sync.batch import Source, currency_code
from plugin.sync.models import DriftCheck, SyncRun


def shop_updated(session: Session, source: Source, told: body.ShopState) -> None:
    """The store's own description, where it is newer than what we have."""
    version = source.version(told.updated_at)
    columns = {
        "store_id": told.id,
        "name": told.name or "",
        "email": told.email or "",
        "currency": currency_code(told.currency or source.shop.currency),
        "timezone": told.iana_timezone or source.shop.timezone,
        "country": told.country_code or "",
        "locale": told.primary_locale or "en",
        "storefront_url": f"https://{told.domain or source.shop.domain}",
        "plan": told.plan_name or "",
        "version": version,
    }
    session.execute(update(Shop).where(Shop.id == source.shop.id, Shop.version < version).values(columns))


def uninstalled(session: Session, source: Source, told: body.Uninstalled) -> None:
    shops.uninstall(session, source.shop, source.heard_at)


def scopes_changed(session: Session, source: Source, told: body.ScopesUpdate) -> None:
    shops.change_scopes(session, source.shop, told.current, told.updated_at or source.heard_at)


def bulk_finished(session: Session, source: Source, told: body.BulkFinished) -> None:
    """The run or the comparison that waits for this operation is looked at now; the body carries no result."""
    waits = SyncRun.shop_id == source.shop.id, SyncRun.operation_gid == told.admin_graphql_api_id
    session.execute(update(SyncRun).where(*waits).values(operation_state="finished", next_attempt_at=None))
    ring_after_commit(session, "sync.drive_runs")
    compared = DriftCheck.shop_id == source.shop.id, DriftCheck.operation_gid == told.admin_graphql_api_id
    looked_at = update(DriftCheck).where(*compared).values(next_attempt_at=None).returning(DriftCheck.id)
    if session.execute(looked_at).first() is not None:
        ring_after_commit(session, "sync.reconcile")


def collection_changed(session: Session, source: Source, told: body.CollectionState) -> None:
    """Its title is in the body; its products, where rules name it, are read."""
    catalogue.tell(session, source.shop, told.id, told.title or "", told.handle or "", told.updated_at)
    shelves.follow(session, source.shop, told.id)


def collection_deleted(session: Session, source: Source, told: body.Deleted) -> None:
    catalogue.bury(session, source.shop, told.id, source.heard_at)


def data_request(session: Session, source: Source, told: dict[str, Any]) -> None:
    privacy.record_request(session, source.shop, "customers/data_request", told, source.heard_at)


def customers_redact(session: Session, source: Source, told: dict[str, Any]) -> None:
    privacy.record_request(session, source.shop, "customers/redact", told, source.heard_at)


def shop_redact(session: Session, source: Source, told: dict[str, Any]) -> None:
    privacy.record_request(session, source.shop, "shop/redact", told, source.heard_at)
