"""Customers as the Admin API shows them."""

from typing import Any

from plugin.sandbox.admin_api import giving
from plugin.sandbox.admin_api.metafields import HasMetafields
from plugin.sandbox.admin_api.node import Fields, Node, instant, money_v2, optional_instant
from plugin.sandbox.admin_api.paging import Key, connect
from plugin.sandbox.admin_api.sales import order_page
from plugin.sandbox.documents import customers as documents
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.records import Address, Consent, Customer

FIELDS = {
    "id": lambda customer: customer.id,
    "created_at": lambda customer: customer.created_at,
    "updated_at": lambda customer: customer.updated_at,
    "customer_date": lambda customer: customer.created_at,
    "email": lambda customer: customer.email,
    "phone": lambda customer: customer.phone,
    "first_name": lambda customer: customer.first_name,
    "last_name": lambda customer: customer.last_name,
    "tag": lambda customer: customer.tags,
    "state": lambda customer: customer.state,
    "accepts_marketing": lambda customer: customer.email_consent.state == "subscribed",
}
SORTS: dict[str, Any] = {
    "ID": lambda customer: (customer.id,),
    "CREATED_AT": lambda customer: (instant(customer.created_at), customer.id),
    "UPDATED_AT": lambda customer: (instant(customer.updated_at), customer.id),
    "NAME": lambda customer: (f"{customer.last_name or ''} {customer.first_name or ''}".casefold(), customer.id),
    "LOCATION": lambda customer: ((customer.addresses[0].country or "") if customer.addresses else "", customer.id),
    "RELEVANCE": lambda customer: (customer.id,),
}


def sort_key(name: str) -> Any:
    """The sort of a customers connection."""

    def key(customer: Customer) -> Key:
        made: Key = SORTS[name](customer)
        return made

    return key


class CustomerNode(HasMetafields):
    """`Customer`."""

    type_name = "Customer"
    record: Customer

    def display_name(self) -> str:
        """Name, else address."""
        return self.record.name

    def state(self) -> str:
        """Whether the person can sign in."""
        return self.record.state.upper()

    def number_of_orders(self) -> str:
        """Orders so far, as text (an unsigned 64-bit number)."""
        return str(len(documents.counted_orders(self.api.world, self.record.id)))

    def amount_spent(self) -> Fields:
        """Paid and not given back."""
        return money_v2(documents.spent(self.api.world, self.record.id))

    def can_delete(self) -> bool:
        """Nobody with orders can be deleted."""
        return not self.api.world.orders.by("customer", self.record.id)

    def data_sale_opt_out(self) -> bool:
        """Nobody has asked in this store."""
        return False

    def lifetime_duration(self) -> str:
        """How long the person has been a customer."""
        days = (self.api.world.now() - self.record.created_at).days
        return f"about {days} days"

    def default_email_address(self) -> Fields | None:
        """`CustomerEmailAddress` with the permission to mail."""
        if not self.record.email:
            return None
        consent = self.record.email_consent
        return {
            "emailAddress": self.record.email,
            "marketingState": consent.state.upper(),
            "marketingOptInLevel": consent.opt_in_level.upper() if consent.opt_in_level else None,
            "marketingUpdatedAt": optional_instant(consent.updated_at),
            "marketingUnsubscribeUrl": f"{self.api.world.store_url}/account/unsubscribe/{self.record.id}",
            "openTrackingLevel": "UNKNOWN",
            "validFormat": True,
        }

    def default_phone_number(self) -> Fields | None:
        """`CustomerPhoneNumber` with the permissions to write."""
        if not self.record.phone:
            return None
        return {
            "phoneNumber": self.record.phone,
            "smsMarketingConsent": _consent(self.record.sms_consent),
            "whatsAppMarketingConsent": _consent(Consent()),
        }

    def default_address(self) -> Node | None:
        """The first address."""
        return self.make("MailingAddress", self.record.addresses[0] if self.record.addresses else None)

    def addresses_v2(self, **page: Any) -> Fields:
        """All addresses."""
        return connect(self.api, self.record.addresses, lambda address: AddressNode(self.api, address), **page)

    def last_order(self) -> Node | None:
        """The newest order that the app may see."""
        seen = [order for order in self.api.world.orders.by("customer", self.record.id) if self.api.sees(order)]
        return self.make("Order", max(seen, key=lambda order: (order.processed_at, order.id), default=None))

    def orders(self, **page: Any) -> Fields:
        """Orders that the app may see."""
        seen = [order for order in self.api.world.orders.by("customer", self.record.id) if self.api.sees(order)]
        return order_page(self.api, seen, **page)

    def store_credit_accounts(self, query: str | None = None, **page: Any) -> Fields:
        """One, for who was given some."""
        return giving.account_page(self.api, self.record, query, **page)


def _consent(consent: Consent) -> Fields:
    state = "NEVER_SUBSCRIBED" if consent.state == "not_subscribed" else consent.state.upper()
    return {
        "state": state,
        "optInLevel": consent.opt_in_level.upper() if consent.opt_in_level else None,
        "updatedAt": optional_instant(consent.updated_at),
        "collectedFrom": consent.collected_from.upper() if consent.collected_from else None,
    }


class AddressNode(Node):
    """`MailingAddress`."""

    type_name = "MailingAddress"
    record: Address

    def id(self) -> str:
        """The global id; 0 where the address belongs to a document."""
        return gid("MailingAddress", self.record.id)

    def name(self) -> str:
        """First and last name."""
        return " ".join(filter(None, (self.record.first_name, self.record.last_name)))

    def country_code_v2(self) -> str | None:
        """Two letters."""
        return self.record.country_code

    def formatted(self, with_name: bool = False, with_company: bool = True) -> list[str]:
        """Lines for an envelope."""
        record = self.record
        lines = [self.name() if with_name else None, record.company if with_company else None, record.address1]
        lines += [record.address2, " ".join(filter(None, (record.zip, record.city))), record.country]
        return [line for line in lines if line]
