"""The first schema: every table, the three roles' grants, and row-level security from the start."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin.db import policies

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


TABLES = (
    "clock",
    "inbox",
    "inbox_strays",
    "point_lots",
    "shops",
    "audit_log",
    "automations",
    "consents",
    "customers",
    "decisions",
    "drain_marks",
    "inventory_levels",
    "messages",
    "outbox",
    "privacy_requests",
    "products",
    "programs",
    "rewards",
    "subscription_fields",
    "suppressions",
    "sync_runs",
    "templates",
    "automation_versions",
    "checkouts",
    "customer_terms",
    "orders",
    "point_accounts",
    "product_debuts",
    "subscriptions",
    "tiers",
    "variants",
    "enrollments",
    "fulfillments",
    "order_lines",
    "point_entries",
    "redemptions",
    "refunds",
    "lot_uses",
    "refund_lines",
)


def upgrade() -> None:
    op.create_table(
        "clock",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("offset_seconds", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock")),
    )
    op.create_table(
        "inbox",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("webhook_id", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), server_default="new", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("api_version", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("triggered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "webhook_id", name=op.f("pk_inbox")),
    )
    op.create_index(
        "ix_inbox_parked",
        "inbox",
        ["shop_id", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('failed', 'quarantined')"),
    )
    op.create_index("ix_inbox_received", "inbox", ["shop_id", "received_at"], unique=False)
    op.create_index(
        "ix_inbox_waiting", "inbox", ["shop_id", "id"], unique=False, postgresql_where=sa.text("state = 'new'")
    )
    op.create_table(
        "inbox_strays",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("domain", sa.Text(collation="C"), nullable=False),
        sa.Column("webhook_id", sa.Text(collation="C"), nullable=False),
        sa.Column("topic", sa.Text(collation="C"), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("triggered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_strays")),
        sa.UniqueConstraint("domain", "webhook_id", name=op.f("uq_inbox_strays_domain_webhook_id")),
    )
    op.create_table(
        "point_lots",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expiries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pending", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("expired >= 0 AND remaining + expired <= granted", name=op.f("ck_point_lots_expired")),
        sa.CheckConstraint("remaining >= 0 AND remaining <= granted", name=op.f("ck_point_lots_remaining")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_point_lots")),
        sa.UniqueConstraint(
            "shop_id", "order_id", "customer_id", name=op.f("uq_point_lots_shop_id_order_id_customer_id")
        ),
    )
    op.create_index(
        "ix_point_lots_due",
        "point_lots",
        ["shop_id", "available_at"],
        unique=False,
        postgresql_where=sa.text("pending AND remaining > 0"),
    )
    op.create_index(
        "ix_point_lots_expiring",
        "point_lots",
        ["shop_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("NOT pending AND remaining > 0 AND expires_at IS NOT NULL"),
    )
    op.create_index(
        "ix_point_lots_open",
        "point_lots",
        ["shop_id", "customer_id", "expires_at", "id"],
        unique=False,
        postgresql_where=sa.text("remaining > 0"),
    )
    op.create_table(
        "shops",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("domain", sa.Text(collation="C"), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("currency", sa.Text(), server_default="EUR", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("country", sa.Text(), server_default="", nullable=False),
        sa.Column("locale", sa.Text(), server_default="en", nullable=False),
        sa.Column("storefront_url", sa.Text(), server_default="", nullable=False),
        sa.Column("plan", sa.Text(), server_default="", nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("scopes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("version", sa.LargeBinary(), server_default="", nullable=False),
        sa.Column("access_token", sa.LargeBinary(), nullable=True),
        sa.Column("access_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refreshing_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_serial", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("installed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uninstalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("needs_reauth", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("domain = lower(domain)", name=op.f("ck_shops_domain_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shops")),
        sa.UniqueConstraint("domain", name=op.f("uq_shops_domain")),
    )
    op.create_table(
        "audit_log",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(collation="C"), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_audit_log_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_audit_log")),
    )
    op.create_table(
        "automations",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), server_default="off", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_automations_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_automations")),
        sa.UniqueConstraint("shop_id", "kind", name=op.f("uq_automations_shop_id_kind")),
    )
    op.create_table(
        "consents",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("scope", sa.Text(collation="C"), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_consents_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_email", "consents", ["shop_id", "email", "id"], unique=False)
    op.create_table(
        "customers",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("known", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("sort_name", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("country_code", sa.Text(collation="C"), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.LargeBinary(), server_default="", nullable=False),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("locale_version", sa.LargeBinary(), server_default="", nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("tags_version", sa.LargeBinary(), server_default="", nullable=False),
        sa.Column("email_consent", sa.Text(collation="C"), nullable=True),
        sa.Column("email_consent_level", sa.Text(), nullable=True),
        sa.Column("email_consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("email_consent_version", sa.LargeBinary(), server_default="", nullable=False),
        sa.Column("sms_consent", sa.Text(collation="C"), nullable=True),
        sa.Column("sms_consent_level", sa.Text(), nullable=True),
        sa.Column("sms_consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sms_consent_version", sa.LargeBinary(), server_default="", nullable=False),
        sa.Column("orders_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spent_currency", sa.Text(), nullable=True),
        sa.Column("last_order_id", sa.BigInteger(), nullable=True),
        sa.Column("last_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totals_version", sa.LargeBinary(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_customers_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_customers")),
    )
    op.create_index("ix_customers_created", "customers", ["shop_id", "created_at", "id"], unique=False)
    op.create_index("ix_customers_email", "customers", ["shop_id", "email"], unique=False)
    op.create_index("ix_customers_last_order", "customers", ["shop_id", "last_order_at", "id"], unique=False)
    op.create_index("ix_customers_name", "customers", ["shop_id", "sort_name", "id"], unique=False)
    op.create_index("ix_customers_orders", "customers", ["shop_id", "orders_count", "id"], unique=False)
    op.create_index("ix_customers_spent", "customers", ["shop_id", "spent_minor", "id"], unique=False)
    op.create_index(
        "ix_customers_stub", "customers", ["shop_id", "id"], unique=False, postgresql_where=sa.text("NOT known")
    )
    op.create_table(
        "decisions",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("automation_id", sa.BigInteger(), nullable=True),
        sa.Column("enrollment_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("rule", sa.Text(collation="C"), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_decisions_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("shop_id", "key", name=op.f("uq_decisions_shop_id_key")),
    )
    op.create_index("ix_decisions_enrollment", "decisions", ["shop_id", "enrollment_id", "id"], unique=False)
    op.create_table(
        "drain_marks",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("through_id", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_drain_marks_shops")),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_drain_marks")),
    )
    op.create_table(
        "inventory_levels",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("inventory_item_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("location_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.LargeBinary(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_inventory_levels_shops")),
        sa.PrimaryKeyConstraint("shop_id", "inventory_item_id", "location_id", name=op.f("pk_inventory_levels")),
    )
    op.create_table(
        "messages",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("marketing", sa.Boolean(), nullable=False),
        sa.Column("scope", sa.Text(collation="C"), server_default="all", nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("locale", sa.Text(), server_default="en", nullable=False),
        sa.Column("subject_kind", sa.Text(collation="C"), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("template", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("context", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(collation="C"), server_default="queued", nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=True),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_messages_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_messages")),
        sa.UniqueConstraint("shop_id", "key", name=op.f("uq_messages_shop_id_key")),
    )
    op.create_index("ix_messages_customer", "messages", ["shop_id", "customer_id", "id"], unique=False)
    op.create_index(
        "ix_messages_due",
        "messages",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index(
        "ix_messages_frequency",
        "messages",
        ["shop_id", "email", "sent_at"],
        unique=False,
        postgresql_where=sa.text("marketing AND sent_at IS NOT NULL"),
    )
    op.create_index("ix_messages_subject", "messages", ["shop_id", "subject_kind", "subject_id", "id"], unique=False)
    op.create_index(
        "ix_messages_waiting",
        "messages",
        ["shop_id", "email"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "outbox",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("patient", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("state", sa.Text(collation="C"), server_default="pending", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_outbox_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("shop_id", "kind", "key", name=op.f("uq_outbox_shop_id_kind_key")),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["patient", "next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'claimed', 'calling')"),
    )
    op.create_index(
        "ix_outbox_stuck",
        "outbox",
        ["shop_id", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('failed', 'unknown')"),
    )
    op.create_table(
        "privacy_requests",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("contact", sa.LargeBinary(), nullable=True),
        sa.Column("order_ids", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(collation="C"), server_default="open", nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_privacy_requests_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_privacy_requests")),
        sa.UniqueConstraint("shop_id", "key", name=op.f("uq_privacy_requests_shop_id_key")),
    )
    op.create_table(
        "products",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("known", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("handle", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("product_type", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("status", sa.Text(collation="C"), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.LargeBinary(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_products_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_products")),
    )
    op.create_index("ix_products_published", "products", ["shop_id", "published_at"], unique=False)
    op.create_index("ix_products_type", "products", ["shop_id", "product_type"], unique=False)
    op.create_table(
        "programs",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("points_one", sa.Text(), nullable=False),
        sa.Column("points_many", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("earn_points", sa.BigInteger(), nullable=False),
        sa.Column("earn_per_minor", sa.BigInteger(), nullable=False),
        sa.Column("return_days", sa.BigInteger(), server_default="14", nullable=False),
        sa.Column("expiry_days", sa.BigInteger(), nullable=True),
        sa.Column("tier_days", sa.BigInteger(), server_default="365", nullable=False),
        sa.Column("tax_basis", sa.Text(collation="C"), server_default="shown", nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), server_default="", nullable=False),
        sa.Column("history_after", sa.BigInteger(), nullable=True),
        sa.Column("accounts_after", sa.BigInteger(), nullable=True),
        sa.Column("accounts_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("earn_points >= 0 AND earn_per_minor > 0", name=op.f("ck_programs_earn_rate")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_programs_interval")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_programs_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_programs")),
        sa.UniqueConstraint("shop_id", "version", name=op.f("uq_programs_shop_id_version")),
    )
    op.create_table(
        "rewards",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), server_default="amount_off", nullable=False),
        sa.Column("cost_points", sa.BigInteger(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("minimum_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("valid_days", sa.BigInteger(), server_default="90", nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cost_points > 0 AND value_minor > 0", name=op.f("ck_rewards_price")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_rewards_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_rewards")),
    )
    op.create_table(
        "subscription_fields",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("match_kind", sa.Text(collation="C"), nullable=False),
        sa.Column("match_value", sa.Text(collation="C"), nullable=False),
        sa.Column("consent_text", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_subscription_fields_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_subscription_fields")),
    )
    op.create_table(
        "suppressions",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("scope", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_suppressions_shops")),
        sa.PrimaryKeyConstraint("shop_id", "email", "scope", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "sync_runs",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("object", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), server_default="waiting", nullable=False),
        sa.Column("operation_gid", sa.Text(), nullable=True),
        sa.Column("operation_state", sa.Text(), nullable=True),
        sa.Column("rows_total", sa.BigInteger(), nullable=True),
        sa.Column("rows_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bytes_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_sync_runs_shops")),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_sync_runs")),
    )
    op.create_index(
        "ix_sync_runs_open",
        "sync_runs",
        ["shop_id", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.create_table(
        "templates",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("preheader", sa.Text(), nullable=False),
        sa.Column("mjml", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_templates_shops")),
        sa.PrimaryKeyConstraint("shop_id", "digest", name=op.f("pk_templates")),
    )
    op.create_table(
        "automation_versions",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("automation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "automation_id"],
            ["automations.shop_id", "automations.id"],
            name=op.f("fk_automation_versions_automations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shop_id", "automation_id", "version", name=op.f("pk_automation_versions")),
    )
    op.create_table(
        "checkouts",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(collation="C"), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("cart_token", sa.Text(collation="C"), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("recovery_url", sa.Text(), nullable=True),
        sa.Column("accepts_marketing", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.LargeBinary(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"], ["customers.shop_id", "customers.id"], name=op.f("fk_checkouts_customers")
        ),
        sa.PrimaryKeyConstraint("shop_id", "token", name=op.f("pk_checkouts")),
    )
    op.create_index("ix_checkouts_cart_token", "checkouts", ["shop_id", "cart_token"], unique=False)
    op.create_index("ix_checkouts_updated", "checkouts", ["shop_id", "updated_at"], unique=False)
    op.create_table(
        "customer_terms",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"],
            ["customers.shop_id", "customers.id"],
            name=op.f("fk_customer_terms_customers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shop_id", "term", "customer_id", name=op.f("pk_customer_terms")),
    )
    op.create_index("ix_customer_terms_customer", "customer_terms", ["shop_id", "customer_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("known", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("checkout_token", sa.Text(collation="C"), nullable=True),
        sa.Column("cart_token", sa.Text(collation="C"), nullable=True),
        sa.Column("source_name", sa.Text(), nullable=True),
        sa.Column("financial_status", sa.Text(collation="C"), nullable=True),
        sa.Column("fulfillment_status", sa.Text(collation="C"), nullable=True),
        sa.Column("test", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.Column("presentment_currency", sa.Text(), nullable=True),
        sa.Column("taxes_included", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("current_subtotal_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("current_total_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("discount_codes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.LargeBinary(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"], ["customers.shop_id", "customers.id"], name=op.f("fk_orders_customers")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_orders")),
    )
    op.create_index("ix_orders_cart_token", "orders", ["shop_id", "cart_token"], unique=False)
    op.create_index("ix_orders_checkout_token", "orders", ["shop_id", "checkout_token"], unique=False)
    op.create_index("ix_orders_customer", "orders", ["shop_id", "customer_id", "processed_at"], unique=False)
    op.create_index("ix_orders_processed", "orders", ["shop_id", "processed_at", "id"], unique=False)
    op.create_index("ix_orders_stub", "orders", ["shop_id", "id"], unique=False, postgresql_where=sa.text("NOT known"))
    op.create_table(
        "point_accounts",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("available", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("debt", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tier_id", sa.BigInteger(), nullable=True),
        sa.Column("tier_name", sa.Text(), nullable=True),
        sa.Column("tier_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tier_spend_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("available = 0 OR debt = 0", name=op.f("ck_point_accounts_debt_first")),
        sa.CheckConstraint("available >= 0 AND pending >= 0 AND debt >= 0", name=op.f("ck_point_accounts_no_negative")),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"], ["customers.shop_id", "customers.id"], name=op.f("fk_point_accounts_customers")
        ),
        sa.PrimaryKeyConstraint("shop_id", "customer_id", name=op.f("pk_point_accounts")),
    )
    op.create_table(
        "product_debuts",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("debuted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "product_id"],
            ["products.shop_id", "products.id"],
            name=op.f("fk_product_debuts_products"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shop_id", "product_id", name=op.f("pk_product_debuts")),
    )
    op.create_table(
        "subscriptions",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("field_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("locale", sa.Text(), server_default="en", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"], ["customers.shop_id", "customers.id"], name=op.f("fk_subscriptions_customers")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "field_id"],
            ["subscription_fields.shop_id", "subscription_fields.id"],
            name=op.f("fk_subscriptions_subscription_fields"),
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("shop_id", "field_id", "email", name=op.f("uq_subscriptions_shop_id_field_id_email")),
    )
    op.create_index(
        "ix_subscriptions_active",
        "subscriptions",
        ["shop_id", "field_id", "id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_subscriptions_customer", "subscriptions", ["shop_id", "customer_id"], unique=False)
    op.create_table(
        "tiers",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("program_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("threshold_minor", sa.BigInteger(), nullable=False),
        sa.Column("rate_num", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("rate_den", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("threshold_minor >= 0 AND rate_num > 0 AND rate_den > 0", name=op.f("ck_tiers_rate")),
        sa.ForeignKeyConstraint(
            ["shop_id", "program_id"],
            ["programs.shop_id", "programs.id"],
            name=op.f("fk_tiers_programs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_tiers")),
        sa.UniqueConstraint(
            "shop_id", "program_id", "threshold_minor", name=op.f("uq_tiers_shop_id_program_id_threshold_minor")
        ),
    )
    op.create_table(
        "variants",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("compare_at_minor", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("inventory_item_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["shop_id", "product_id"], ["products.shop_id", "products.id"], name=op.f("fk_variants_products")
        ),
        sa.PrimaryKeyConstraint("shop_id", "product_id", "id", name=op.f("pk_variants")),
    )
    op.create_index("ix_variants_inventory_item", "variants", ["shop_id", "inventory_item_id"], unique=False)
    op.create_table(
        "enrollments",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("automation_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("subject_key", sa.Text(collation="C"), nullable=False),
        sa.Column("checkout_token", sa.Text(collation="C"), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(collation="C"), server_default="waiting", nullable=False),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_reason", sa.Text(collation="C"), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("recovered_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "automation_id", "version"],
            ["automation_versions.shop_id", "automation_versions.automation_id", "automation_versions.version"],
            name=op.f("fk_enrollments_automation_versions"),
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_enrollments")),
        sa.UniqueConstraint(
            "shop_id", "automation_id", "subject_key", name=op.f("uq_enrollments_shop_id_automation_id_subject_key")
        ),
    )
    op.create_index("ix_enrollments_checkout", "enrollments", ["shop_id", "checkout_token"], unique=False)
    op.create_index("ix_enrollments_customer", "enrollments", ["shop_id", "customer_id"], unique=False)
    op.create_index(
        "ix_enrollments_due", "enrollments", ["wake_at"], unique=False, postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_table(
        "fulfillments",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("shipment_status", sa.Text(), nullable=True),
        sa.Column("tracking_company", sa.Text(), nullable=True),
        sa.Column("tracking_numbers", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("tracking_urls", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.LargeBinary(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "order_id"], ["orders.shop_id", "orders.id"], name=op.f("fk_fulfillments_orders")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_fulfillments")),
    )
    op.create_index("ix_fulfillments_order", "fulfillments", ["shop_id", "order_id"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("variant_id", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("variant_title", sa.Text(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("current_quantity", sa.BigInteger(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("gift_card", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "order_id"], ["orders.shop_id", "orders.id"], name=op.f("fk_order_lines_orders")
        ),
        sa.PrimaryKeyConstraint("shop_id", "order_id", "id", name=op.f("pk_order_lines")),
    )
    op.create_index("ix_order_lines_product", "order_lines", ["shop_id", "product_id"], unique=False)
    op.create_table(
        "point_entries",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("counter_account", sa.Text(collation="C"), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("redemption_id", sa.BigInteger(), nullable=True),
        sa.Column("program_id", sa.BigInteger(), nullable=True),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("explanation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points <> 0", name=op.f("ck_point_entries_not_empty")),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"],
            ["point_accounts.shop_id", "point_accounts.customer_id"],
            name=op.f("fk_point_entries_point_accounts"),
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_point_entries")),
        sa.UniqueConstraint("shop_id", "key", name=op.f("uq_point_entries_shop_id_key")),
    )
    op.create_index("ix_point_entries_customer", "point_entries", ["shop_id", "customer_id", "id"], unique=False)
    op.create_index(
        "ix_point_entries_order",
        "point_entries",
        ["shop_id", "order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_table(
        "redemptions",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("reward_id", sa.BigInteger(), nullable=False),
        sa.Column("request_key", sa.Text(collation="C"), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("minimum_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), server_default="reserved", nullable=False),
        sa.Column("discount_gid", sa.Text(), nullable=True),
        sa.Column("used_order_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "customer_id"],
            ["point_accounts.shop_id", "point_accounts.customer_id"],
            name=op.f("fk_redemptions_point_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "reward_id"], ["rewards.shop_id", "rewards.id"], name=op.f("fk_redemptions_rewards")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_redemptions")),
        sa.UniqueConstraint("shop_id", "code", name=op.f("uq_redemptions_shop_id_code")),
        sa.UniqueConstraint(
            "shop_id", "customer_id", "request_key", name=op.f("uq_redemptions_shop_id_customer_id_request_key")
        ),
    )
    op.create_index("ix_redemptions_customer", "redemptions", ["shop_id", "customer_id", "id"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lines_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("amount_only_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.LargeBinary(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "order_id"], ["orders.shop_id", "orders.id"], name=op.f("fk_refunds_orders")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_refunds")),
    )
    op.create_index("ix_refunds_order", "refunds", ["shop_id", "order_id"], unique=False)
    op.create_table(
        "lot_uses",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("redemption_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "lot_id"], ["point_lots.shop_id", "point_lots.id"], name=op.f("fk_lot_uses_point_lots")
        ),
        sa.ForeignKeyConstraint(
            ["shop_id", "redemption_id"],
            ["redemptions.shop_id", "redemptions.id"],
            name=op.f("fk_lot_uses_redemptions"),
        ),
        sa.PrimaryKeyConstraint("shop_id", "redemption_id", "lot_id", name=op.f("pk_lot_uses")),
    )
    op.create_table(
        "refund_lines",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("refund_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id", "refund_id"],
            ["refunds.shop_id", "refunds.id"],
            name=op.f("fk_refund_lines_refunds"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shop_id", "refund_id", "id", name=op.f("pk_refund_lines")),
    )
    op.create_index("ix_refund_lines_order", "refund_lines", ["shop_id", "order_id"], unique=False)
    op.execute("INSERT INTO clock (id, offset_seconds) VALUES (1, 0)")
    for statement in policies.statements(TABLES):
        op.execute(statement)
    op.execute(policies.COMPRESS_BODIES)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
