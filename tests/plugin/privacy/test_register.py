"""Every column that could hold somebody's words is on this list: who erases it, or why there is nothing to erase.

A new table or column fails here until somebody has thought about it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, text

HOLDS_WORDS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'alembic_version'
        AND data_type IN ('text', 'jsonb', 'json', 'bytea', 'ARRAY', 'character varying', 'character')
"""
OURS = "words of the product: kinds, states, reasons, scopes, codes of languages and currencies"
IDS = "ids, tokens and digests of ours or of the store"
VERSION = "a moment and a digest (plugin/sync/versions.py)"
MERCHANT = "what the merchant wrote or is"
GOODS = "what was for sale"
STAFF = "the id of a staff member of the store"
WHOLE_SHOP = "deleted with the whole shop (plugin/privacy/shop_erasing.py)"
SALE = "how a sale went, without whose it was"

ERASED = {
    "plugin.commerce.erasing": (
        "customers: email phone first_name last_name sort_name state country_code city locale tags email_consent"
        " email_consent_level sms_consent sms_consent_level",
        "customer_terms: term",
        "orders: email tags",
        "fulfillments: tracking_numbers tracking_urls",
        "checkouts: email phone locale recovery_url lines cart_token",
    ),
    "plugin.messages.erasing": (
        "messages: email context value message_id subject html text",
        "consents: email",
        "suppressions: email",
    ),
    "plugin.subscriptions.erasing": ("subscriptions: email",),
    "plugin.campaigns.erasing": ("enrollments: email", "decisions: value"),
    "plugin.loyalty.erasing": (
        "point_notes: note",
        "expiry_changes: reason",
        "point_import_rows: who note",
        "tier_grants: reason",
    ),
    "plugin.loyalty.acting.erasing": ("profile_values: value",),
    "plugin.loyalty.referring.erasing": ("referrals: email mailbox verdict_note",),
    "plugin.effects.erasing": ("outbox: result error",),
    "plugin.sync.erasing": ("inbox: body error",),
    "plugin.privacy.erasing": ("privacy_requests: contact export",),
    "plugin.privacy.shop_erasing": ("inbox_strays: body",),
}
HARMLESS = {
    OURS: (
        "inbox: topic state api_version",
        "ledger_checks: state faults",
        "deeds: thing reason",
        "profile_fields: kind",
        "expiry_changes: kind state",
        "point_imports: state",
        "memberships: source",
        "program_mails: kind",
        "point_import_rows: problem",
        "tier_changes: kind why",
        "inbox_strays: topic api_version",
        "audit_log: action object before after",
        "automations: kind state",
        "breakers: destination error",
        "shared_breakers: destination error",
        "consents: scope source",
        "customers: spent_currency",
        "decisions: rule",
        "drift_checks: object reach asked_by state error way",
        "drift_findings: reason groups outcome",
        "enrollments: state stop_reason currency",
        "money_books: timezone",
        "point_days: kind counter_account",
        "profit_readings: sides terms",
        "messages: kind scope locale subject_kind state reason",
        "outbox: kind state reason",
        "point_accounts: tier_name",
        "point_entries: kind counter_account explanation",
        "privacy_requests: kind state counts",
        "pulses: name budgets",
        "referrals: code_state state reason signals verdict locale",
        "redemptions: currency state kind",
        "replays: kind state tally",
        "shop_erasures: counts",
        "subscriptions: locale ended_by",
        "suppressions: scope reason",
        "sync_runs: kind object state operation_state error detail trouble goes_on_from",
    ),
    IDS: (
        "body_digests: digest",
        "checkouts: token",
        "decisions: key",
        "deeds: key",
        "api_tokens: digest hint",
        "drift_checks: operation_gid",
        "drift_findings: key before",
        "enrollments: subject_key checkout_token",
        "erasures: key",
        "inbox: webhook_id event_id",
        "ledger_seals: digest marks",
        "inbox_strays: webhook_id event_id",
        "messages: key",
        "orders: name checkout_token cart_token",
        "outbox: key payload",
        "point_entries: key",
        "point_lots: source",
        "privacy_requests: key order_ids read_to manifest_sha256",
        "referral_links: code",
        "referrals: link_code code discount_gid",
        "redemptions: request_key code discount_gid",
        "shop_erasures: domain_sha256 manifest_sha256",
        "sync_runs: operation_gid",
        "templates: digest",
        "program_mails: digest",
    ),
    VERSION: (
        "checkouts: version",
        "customers: version locale_version tags_version email_consent_version sms_consent_version totals_version",
        "fulfillments: version",
        "inventory_levels: version",
        "orders: version",
        "collections: version",
        "products: version",
        "refunds: version",
        "shops: version",
    ),
    MERCHANT: (
        "point_imports: name",
        "automation_versions: steps",
        "profile_fields: label choices",
        "automations: name",
        "tier_changes: from_name to_name",
        "tier_grants: tier_name",
        "tier_marks: tag field",
        "consents: words",
        "inbox_strays: domain",
        "messages: template",
        "order_facts: customer_tags lines",
        "programs: name points_one points_many currency tax_basis rules",
        "replays: name draft",
        "rewards: name kind currency terms",
        "reward_versions: document",
        "shops: domain name email currency timezone country locale storefront_url plan scopes settings",
        "subscription_fields: label match_kind match_value consent_text subject",
        "templates: subject preheader mjml text html",
        "tiers: name terms",
    ),
    STAFF: (
        "audit_log: actor",
        "api_tokens: created_by",
        "tier_grants: actor ended_by",
        "ledger_checks: asked_by",
        "expiry_changes: actor undone_by",
        "staff_points: actor",
        "point_imports: created_by",
        "referrals: verdict_by",
        "point_entries: actor",
        "programs: created_by",
        "memberships: actor",
        "program_mails: changed_by",
        "replays: created_by",
        "reward_versions: created_by",
    ),
    GOODS: (
        "collections: title handle",
        "products: title handle vendor product_type status tags image_url",
        "variants: title sku",
        "order_lines: title variant_title sku vendor",
    ),
    SALE: (
        "checkouts: currency",
        "fulfillments: status shipment_status tracking_company",
        "orders: source_name financial_status fulfillment_status currency presentment_currency discount_codes",
    ),
    WHOLE_SHOP: ("shops: access_token refresh_token veil_key",),
    "only while an import runs; it goes with the line's parent, and an erasure waits for it": ("import_lines: line",),
}


def columns(lists: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for tables in lists.values():
        for line in tables:
            table, _, names = line.partition(": ")
            yield from ((table, name) for name in names.split())


def test_every_column_that_can_hold_words_is_on_the_list_once(owner: Engine) -> None:
    listed = [*columns(ERASED), *columns(HARMLESS)]
    assert len(listed) == len(set(listed)), "a column stands here twice"
    with owner.connect() as connection:
        there = {(table, column) for table, column in connection.execute(text(HOLDS_WORDS))}
    assert there - set(listed) == set(), "say who erases these, or why they hold nothing personal"
    assert set(listed) - there == set(), "these are gone"


def test_whoever_erases_exists_and_names_the_table() -> None:
    for module, tables in ERASED.items():
        source = importlib.import_module(module).__file__ or ""
        written = Path(source).read_text()
        for line in tables:
            table = line.partition(": ")[0]
            assert table in written or table == "privacy_requests", f"{module} does not mention {table}"
