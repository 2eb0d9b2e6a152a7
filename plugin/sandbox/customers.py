"""Customers: made, changed, tagged, asked for consent, deleted. Every verb emits what the real store would."""

from plugin.sandbox.documents import customers as documents
from plugin.sandbox.errors import Refused
from plugin.sandbox.records import Address, Consent, Customer
from plugin.sandbox.world import World

CONSENT_STATES = ("not_subscribed", "pending", "subscribed", "unsubscribed", "redacted", "invalid")


def save_customer(
    world: World,
    customer_id: int | None = None,
    *,
    email: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    phone: str | None = None,
    note: str | None = None,
    locale: str | None = None,
    state: str | None = None,
    tags: list[str] | None = None,
    addresses: list[Address] | None = None,
    accepts_marketing: bool | None = None,
) -> Customer:
    """Make a customer (no id) or change the fields that are given. `Refused` (TAKEN) when the address is another's."""
    with world.change():
        _refuse_taken(world, customer_id, email)
        customer = world.customers[customer_id] if customer_id else _new(world)
        created = customer.id not in world.customers
        given = {"email": email, "first_name": first_name, "last_name": last_name, "phone": phone}
        given |= {"note": note, "locale": locale, "state": state}
        for name, value in given.items():
            if value is not None:
                setattr(customer, name, value)
        if addresses is not None:
            customer.addresses = [_with_id(world, address) for address in addresses]
        customer.updated_at = world.now()
        world.customers.keep(customer)
        world.emit("customers/create" if created else "customers/update", lambda: documents.customer(world, customer))
        if tags is not None:
            set_tags(world, customer.id, tags)
        if accepts_marketing is not None:
            set_email_consent(world, customer.id, "subscribed" if accepts_marketing else "unsubscribed")
        return customer


def _refuse_taken(world: World, customer_id: int | None, email: str | None) -> None:
    owner = find_by_email(world, email) if email else None
    if owner and owner.id != customer_id:
        raise Refused("Email has already been taken", code="TAKEN", field=("input", "email"))


def _new(world: World) -> Customer:
    now = world.now()
    return Customer(id=world.next_id("customer"), created_at=now, updated_at=now)


def _with_id(world: World, address: Address) -> Address:
    if not address.id:
        address.id = world.next_id("address")
    return address


def find_by_email(world: World, email: str) -> Customer | None:
    """The customer with this address; capitals do not matter."""
    return world.customers.first("email", email.strip().lower())


def touch_customer(world: World, customer_id: int) -> Customer:
    """Give the customer a new `updated_at` and tell the app."""
    return save_customer(world, customer_id)


def set_tags(world: World, customer_id: int, tags: list[str]) -> Customer:
    """Replace the tags."""
    with world.change():
        customer = world.customers[customer_id]
        add_tags(world, customer_id, [tag for tag in tags if tag not in customer.tags])
        remove_tags(world, customer_id, [tag for tag in customer.tags if tag not in tags])
        return customer


def add_tags(world: World, customer_id: int, tags: list[str]) -> Customer:
    """Add tags that are not there yet; capitals do not make a new tag."""
    with world.change():
        customer = world.customers[customer_id]
        known = {tag.casefold() for tag in customer.tags}
        added = list(dict.fromkeys(tag.strip() for tag in tags if tag.strip() and tag.strip().casefold() not in known))
        if added:
            customer.tags = sorted([*customer.tags, *added], key=str.casefold)
            _tags_changed(world, customer, "customer.tags_added", added)
        return customer


def remove_tags(world: World, customer_id: int, tags: list[str]) -> Customer:
    """Remove tags that are there."""
    with world.change():
        customer = world.customers[customer_id]
        doomed = {tag.strip().casefold() for tag in tags}
        removed = [tag for tag in customer.tags if tag.casefold() in doomed]
        if removed:
            customer.tags = [tag for tag in customer.tags if tag not in removed]
            _tags_changed(world, customer, "customer.tags_removed", removed)
        return customer


def _tags_changed(world: World, customer: Customer, topic: str, tags: list[str]) -> None:
    customer.updated_at = world.now()
    world.customers.keep(customer)
    world.emit(topic, lambda: documents.tags_changed(world, customer, tags))
    world.emit("customers/update", lambda: documents.customer(world, customer))


def set_email_consent(
    world: World, customer_id: int, state: str, *, opt_in_level: str | None = "single_opt_in"
) -> Customer:
    """Record permission to mail (or its end). `Refused` for a state the store does not know or without an address."""
    with world.change():
        customer = world.customers[customer_id]
        _check_consent(state, customer.email, "email")
        if customer.email_consent.state != state:
            customer.email_consent = Consent(state=state, opt_in_level=opt_in_level, updated_at=world.now())
            customer.updated_at = world.now()
            world.customers.keep(customer)
            world.emit("customers_email_marketing_consent/update", lambda: documents.email_consent(world, customer))
        return customer


def set_sms_consent(
    world: World, customer_id: int, state: str, *, opt_in_level: str | None = "single_opt_in"
) -> Customer:
    """Record permission to send SMS (or its end)."""
    with world.change():
        customer = world.customers[customer_id]
        _check_consent(state, customer.phone, "phone")
        customer.sms_consent = Consent(
            state=state, opt_in_level=opt_in_level, updated_at=world.now(), collected_from="shopify"
        )
        customer.updated_at = world.now()
        world.customers.keep(customer)
        world.emit("customers_marketing_consent/update", lambda: documents.sms_consent(world, customer))
        return customer


def _check_consent(state: str, target: str | None, kind: str) -> None:
    if state not in CONSENT_STATES:
        raise Refused(f"Marketing state {state!r} is unknown", field=("input", "marketingState"))
    if not target:
        raise Refused(f"The customer has no {kind}", code="INCLUSION", field=("input", "customerId"))


def delete_customer(world: World, customer_id: int) -> None:
    """Remove a customer; `Refused` when there are orders, as in the real store."""
    with world.change():
        customer = world.customers[customer_id]
        if world.orders.by("customer", customer_id):
            raise Refused("Customer can't be deleted because they have associated orders")
        world.customers.drop(customer_id)
        world.emit("customers/delete", lambda: documents.deleted_customer(customer))
