"""The shop, the app's installation, its webhooks and bulk operations as the Admin API shows them."""

from datetime import timedelta
from typing import Any

from plugin.sandbox.admin_api.metafields import HasMetafields
from plugin.sandbox.admin_api.node import Fields, Node, instant, optional_instant
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.app_records import BulkOperation, Installation
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.money import CURRENCY
from plugin.sandbox.records import Shop

VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")
NO_TOPIC_ENUM = ("customers/data_request", "customers/redact", "shop/redact")


class ShopNode(HasMetafields):
    """`Shop`."""

    type_name = "Shop"
    record: Shop

    def id(self) -> str:
        """The global id."""
        return gid("Shop", self.record.number)

    def myshopify_domain(self) -> str:
        """The name that never changes."""
        return self.record.domain

    def primary_domain(self) -> Fields:
        """Where shoppers go."""
        host = self.api.world.store_url.partition("://")[2]
        return {
            "id": gid("Domain", self.record.number + 1),
            "host": host,
            "url": self.api.world.store_url,
            "sslEnabled": False,
        }

    def url(self) -> str:
        """Where shoppers go."""
        return self.api.world.store_url

    def contact_email(self) -> str:
        """For the platform."""
        return self.record.email

    def shop_owner_name(self) -> str:
        """The merchant."""
        return self.record.owner

    def currency_code(self) -> str:
        """The shop's currency."""
        return CURRENCY

    def enabled_presentment_currencies(self) -> list[str]:
        """The same."""
        return [CURRENCY]

    def iana_timezone(self) -> str:
        """Days begin by it."""
        return self.record.time_zone

    def taxes_included(self) -> bool:
        """Prices include tax."""
        return True

    def plan(self) -> Fields:
        """What the merchant pays for."""
        return {"publicDisplayName": self.record.plan, "partnerDevelopment": True, "shopifyPlus": False}

    def customer_accounts_v2(self) -> Fields:
        """How shoppers sign in."""
        return {
            "customerAccountsVersion": "NEW_CUSTOMER_ACCOUNTS",
            "loginRequiredAtCheckout": False,
            "url": f"{self.api.world.store_url}/account",
        }


class InstallationNode(HasMetafields):
    """`AppInstallation`."""

    type_name = "AppInstallation"
    record: Installation

    def id(self) -> str:
        """The global id."""
        return gid("AppInstallation", self.record.number)

    def access_scopes(self) -> list[Fields]:
        """What was granted."""
        return [{"handle": scope, "description": scope.replace("_", " ").capitalize()} for scope in self.record.scopes]

    def active_subscriptions(self) -> list[Fields]:
        """The app is free here."""
        return []

    def app(self) -> Fields:
        """The app."""
        declared = self.api.declaration
        return {
            "id": gid("App", 580_111_902_721),
            "handle": declared.handle,
            "title": declared.name,
            "apiKey": self.api.settings.client_id,
        }

    def launch_url(self) -> str:
        """Where the admin opens it."""
        return f"{self.api.world.store_url}/admin/apps/{self.api.declaration.handle}"

    def uninstall_url(self) -> str:
        """Where it is removed."""
        return f"{self.api.world.store_url}/admin/settings"


RESULTS_LAST = timedelta(days=7)


class BulkNode(Node):
    """`BulkOperation`."""

    type_name = "BulkOperation"
    record: BulkOperation

    def type(self) -> str:
        """Only queries are played."""
        return "QUERY"

    def status(self) -> str:
        """Where it stands; results expire after seven days."""
        ended = self.record.completed_at
        if self.record.status == "COMPLETED" and ended and self.api.world.now() > ended + RESULTS_LAST:
            return "EXPIRED"
        return self.record.status

    def completed_at(self) -> str | None:
        """When it ended."""
        return optional_instant(self.record.completed_at)

    def object_count(self) -> str:
        """Objects so far, as text."""
        return str(self.record.object_count)

    def root_object_count(self) -> str:
        """Objects of the first connection so far, as text."""
        return str(self.record.root_object_count)

    def file_size(self) -> str | None:
        """Bytes, as text."""
        return None if self.record.file_size is None else str(self.record.file_size)

    def url(self) -> str | None:
        """Where the result is; None while it runs and when nothing was found."""
        if self.status() != "COMPLETED" or not self.record.object_count:
            return None
        return self._address()

    def partial_data_url(self) -> str | None:
        """What there is of a result that failed."""
        return self._address() if self.record.status == "FAILED" and self.record.object_count else None

    def _address(self) -> str | None:
        name = self.record.file_name
        return f"{self.api.world.store_url}/_bulk/{name}" if name else None


def subscriptions(api: Api) -> list[Fields]:
    """`WebhookSubscription` of every topic of app.toml that the API can name."""
    declared = sorted(topic for topic in api.declaration.topics if topic not in NO_TOPIC_ENUM)
    return [_subscription(api, number, topic) for number, topic in enumerate(declared, 1)]


def _subscription(api: Api, number: int, topic: str) -> Fields:
    installation = api.world.installation
    since = instant(installation.installed_at if installation else api.world.now())
    return {
        "id": gid("WebhookSubscription", 1_490_000_000_000 + number),
        "legacyResourceId": str(1_490_000_000_000 + number),
        "topic": topic.replace("/", "_").replace(".", "_").upper(),
        "uri": api.declaration.topics[topic],
        "format": "JSON",
        "filter": None,
        "includeFields": [],
        "name": None,
        "apiVersion": version(api.declaration.api_version),
        "createdAt": since,
        "updatedAt": since,
    }


def version(handle: str) -> Fields:
    """`ApiVersion`."""
    return {"handle": handle, "displayName": handle, "supported": handle in VERSIONS}


def versions() -> list[Any]:
    """The supported ones."""
    return [version(handle) for handle in VERSIONS]
