"""`Mutation`: every change the app can ask for. What the store refuses comes back as user errors."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from plugin.sandbox import customers, discounts, money
from plugin.sandbox.admin_api import access, codes, giving, house, metafields, people
from plugin.sandbox.admin_api.node import Fields, kind_of, number_of
from plugin.sandbox.admin_api.query import Query
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.errors import NotFound, Refused, StoreError

OWNER_SCOPES = {
    "Customer": "write_customers",
    "Order": "write_orders",
    "Product": "write_products",
    "ProductVariant": "write_products",
}
TAG_SCOPES = OWNER_SCOPES
MOST_METAFIELDS = 25


class Mutation:
    """The root; a method for each field. `start_bulk` and `cancel_bulk` come from the bulk runner."""

    def __init__(self, api: Api, start_bulk: Callable[[Api, str], Any], cancel_bulk: Callable[[int], Any]) -> None:
        self.api = api
        self.world = api.world
        self._start_bulk = start_bulk
        self._cancel_bulk = cancel_bulk

    # -- discount codes

    def discount_code_basic_create(self, basic_code_discount: Fields) -> Fields:
        """Make a code; TAKEN when it exists."""

        def act() -> Any:
            return discounts.create_discount(self.world, **_discount_of(basic_code_discount))

        return self._discount(act)

    def discount_code_basic_update(self, id: str, basic_code_discount: Fields) -> Fields:
        """Change who may use a code; nothing else can be changed here."""
        return self._discount(lambda: self._change_people(_discount_number(id), basic_code_discount))

    def _change_people(self, number: int, asked: Fields) -> Any:
        if set(asked) - {"context"}:
            raise Refused("Only the customers of a discount can be changed in this store", field=_field("context"))
        people = (asked.get("context") or {}).get("customers") or {}
        add, remove = ([number_of(one, "Customer") for one in people.get(name) or []] for name in ("add", "remove"))
        return discounts.change_people(self.world, number, add, remove)

    def discount_code_free_shipping_create(self, free_shipping_code_discount: Fields) -> Fields:
        """Make a code for free shipping; TAKEN when it exists."""

        def act() -> Any:
            given = _discount_of(free_shipping_code_discount) | {"free_shipping": True}
            return discounts.create_discount(self.world, **given)

        return self._discount(act)

    def discount_code_free_shipping_update(self, id: str, free_shipping_code_discount: Fields) -> Fields:
        """Change who may use a code; nothing else can be changed here."""
        return self._discount(lambda: self._change_people(_discount_number(id), free_shipping_code_discount))

    def discount_code_deactivate(self, id: str) -> Fields:
        """End a code now."""
        return self._discount(lambda: discounts.deactivate_discount(self.world, _discount_number(id)))

    def discount_code_activate(self, id: str) -> Fields:
        """Open it again."""
        return self._discount(lambda: discounts.activate_discount(self.world, _discount_number(id)))

    def discount_code_delete(self, id: str) -> Fields:
        """Remove it."""
        try:
            discounts.delete_discount(self.world, _discount_number(id))
        except StoreError as error:
            return {"deletedCodeDiscountId": None, "userErrors": [_discount_error(error)]}
        return {"deletedCodeDiscountId": id, "userErrors": []}

    def _discount(self, act: Callable[[], Any]) -> Fields:
        try:
            node = codes.CodeNode(self.api, act())
        except StoreError as error:
            return {"codeDiscountNode": None, "userErrors": [_discount_error(error)]}
        return {"codeDiscountNode": node, "userErrors": []}

    # -- gift cards and store credit

    def gift_card_create(self, input: Fields) -> Fields:
        """Make a card; TAKEN when its code exists."""
        return giving.make_card(self.api, input)

    def gift_card_deactivate(self, id: str) -> Fields:
        """End a card for ever."""
        return giving.end_card(self.api, id)

    def store_credit_account_credit(self, id: str, credit_input: Fields) -> Fields:
        """Give a customer credit; twice gives twice."""
        return giving.give(self.api, id, credit_input)

    # -- customers

    def customer_email_marketing_consent_update(self, input: Fields) -> Fields:
        """Record permission to mail, or its end."""
        asked = input["emailMarketingConsent"]
        return self._consent(input["customerId"], asked, customers.set_email_consent)

    def customer_sms_marketing_consent_update(self, input: Fields) -> Fields:
        """Record permission to send SMS, or its end."""
        asked = input["smsMarketingConsent"]
        return self._consent(input["customerId"], asked, customers.set_sms_consent)

    def _consent(self, customer_id: str, asked: Fields, act: Callable[..., Any]) -> Fields:
        level = asked.get("marketingOptInLevel")
        state = str(asked["marketingState"]).lower()
        try:
            if state not in ("subscribed", "unsubscribed", "pending"):
                raise Refused("Marketing state can't be set to this value", field=("input", "marketingState"))
            number = number_of(customer_id, "Customer")
            found = act(self.world, number, state, opt_in_level=level.lower() if level else "single_opt_in")
        except StoreError as error:
            return {"customer": None, "userErrors": [_error(error, "INVALID")]}
        return {"customer": people.CustomerNode(self.api, found), "userErrors": []}

    def customer_update(self, input: Fields) -> Fields:
        """Change the fields that are given."""
        given = {name: input.get(name) for name in ("email", "phone", "note", "locale", "tags")}
        given |= {"first_name": input.get("firstName"), "last_name": input.get("lastName")}
        try:
            number = number_of(input.get("id") or "", "Customer")
            self.world.customers[number]
            found = customers.save_customer(self.world, number, **given)
        except StoreError as error:
            return {"customer": None, "userErrors": [_plain_error(error)]}
        return {"customer": people.CustomerNode(self.api, found), "userErrors": []}

    def tags_add(self, id: str, tags: list[str]) -> Fields:
        """Add tags to a customer."""
        return self._tags("tagsAdd", id, tags, customers.add_tags)

    def tags_remove(self, id: str, tags: list[str]) -> Fields:
        """Remove tags from a customer."""
        return self._tags("tagsRemove", id, tags, customers.remove_tags)

    def _tags(self, field: str, id: str, tags: list[str], act: Callable[..., Any]) -> Fields:
        self._need(field, TAG_SCOPES.get(kind_of(id)))
        try:
            act(self.world, number_of(id, "Customer"), tags)
        except StoreError as error:
            return {"node": None, "userErrors": [_plain_error(error)]}
        return {"node": Query(self.api).node(id), "userErrors": []}

    # -- metafields

    def metafields_set(self, metafields: list[Fields]) -> Fields:
        """Set up to 25 values, all or none."""
        errors = self._metafield_errors(metafields)
        if errors:
            return {"metafields": None, "userErrors": errors}
        with self.world.change():
            saved = [self._save_metafield(asked) for asked in metafields]
        return {"metafields": saved, "userErrors": []}

    def _metafield_errors(self, asked: list[Fields]) -> list[Fields]:
        if len(asked) > MOST_METAFIELDS:
            return [
                _metafield_error("Exceeded the maximum metafields input limit of 25", "LESS_THAN_OR_EQUAL_TO", None)
            ]
        found = [self._metafield_error(index, one) for index, one in enumerate(asked)]
        return [error for error in found if error]

    def _metafield_error(self, index: int, asked: Fields) -> Fields | None:
        kind = kind_of(asked["ownerId"])
        self._need("metafieldsSet", OWNER_SCOPES.get(kind))
        if kind != "AppInstallation" and Query(self.api).node(asked["ownerId"]) is None:
            return _metafield_error("Owner does not exist", "INVALID", index)
        before = self.world.metafields.get(_metafield_key(asked))
        if "compareDigest" in asked:
            known = metafields.digest(before.value) if before else None
            if asked["compareDigest"] != known:
                return _metafield_error("The resource has been updated since it was loaded", "STALE_OBJECT", index)
        if before is None and not asked.get("type"):
            return _metafield_error("Type can't be blank", "BLANK", index)
        return _json_error(index, asked, asked.get("type") or (before.type if before else ""))

    def _save_metafield(self, asked: Fields) -> Any:
        before = self.world.metafields.get(_metafield_key(asked))
        kind = asked.get("type") or (before.type if before else "single_line_text_field")
        saved = metafields.save(
            self.world, asked["ownerId"], asked.get("namespace"), asked["key"], kind, asked["value"]
        )
        return metafields.MetafieldNode(self.api, saved)

    def metafields_delete(self, metafields: list[Fields]) -> Fields:
        """Remove values; null for what was not there."""
        deleted = []
        with self.world.change():
            for asked in metafields:
                self._need("metafieldsDelete", OWNER_SCOPES.get(kind_of(asked["ownerId"])))
                key = _metafield_key(asked)
                deleted.append(dict(asked) if key in self.world.metafields else None)
                self.world.metafields.drop(key)
        return {"deletedMetafields": deleted, "userErrors": []}

    # -- bulk operations

    def bulk_operation_run_query(self, query: str, group_objects: bool = False) -> Fields:
        """Start a bulk query."""
        try:
            operation = self._start_bulk(self.api, query)
        except Refused as refusal:
            return {"bulkOperation": None, "userErrors": [_error(refusal, "INVALID")]}
        return {"bulkOperation": house.BulkNode(self.api, operation), "userErrors": []}

    def bulk_operation_cancel(self, id: str) -> Fields:
        """Ask a bulk query to stop."""
        try:
            operation = self._cancel_bulk(number_of(id, "BulkOperation"))
        except StoreError as error:
            return {"bulkOperation": None, "userErrors": [_plain_error(error)]}
        return {"bulkOperation": house.BulkNode(self.api, operation), "userErrors": []}

    def _need(self, field: str, scope: str | None) -> None:
        if scope and scope not in self.api.scopes:
            raise access.denied(field, scope)


def _metafield_key(asked: Fields) -> str:
    return metafields.key_of(asked["ownerId"], asked.get("namespace"), asked["key"])


def _json_error(index: int, asked: Fields, kind: str) -> Fields | None:
    if kind != "json":
        return None
    try:
        json.loads(asked["value"])
    except ValueError:
        return _metafield_error("Value is invalid JSON.", "INVALID_VALUE", index)
    return None


def _metafield_error(message: str, code: str, index: int | None) -> Fields:
    field = ["metafields"] if index is None else ["metafields", str(index), "value"]
    return {"field": field, "message": message, "code": code, "elementIndex": index}


def _discount_number(global_id: str) -> int:
    kind = kind_of(global_id)
    if kind not in ("DiscountCodeNode", "DiscountNode"):
        raise NotFound(f"Invalid global id '{global_id}'")
    return number_of(global_id, kind)


def _discount_of(asked: Fields) -> Fields:
    gets = asked.get("customerGets") or {}
    value, goods = gets.get("value") or {}, (gets.get("items") or {}).get("products") or {}
    amount = (value.get("discountAmount") or {}).get("amount")
    minimum = ((asked.get("minimumRequirement") or {}).get("subtotal") or {}).get("greaterThanOrEqualToSubtotal")
    people = ((asked.get("context") or {}).get("customers") or {}).get("add") or []
    starts_at, ends_at = _moment(asked.get("startsAt")), _moment(asked.get("endsAt"))
    if starts_at and ends_at and ends_at <= starts_at:
        raise Refused("Ends at needs to be after starts_at", code="END_DATE_BEFORE_START_DATE", field=_field("endsAt"))
    if not starts_at:
        raise Refused("Starts at can't be blank", code="BLANK", field=_field("startsAt"))
    if not (asked.get("title") or "").strip():
        raise Refused("Title can't be blank", code="BLANK", field=_field("title"))
    return {
        "code": asked.get("code") or "",
        "title": asked["title"],
        "starts_at": starts_at,
        "ends_at": ends_at,
        "amount_minor": money.minor(amount) if amount is not None else None,
        "percent_bp": round(value["percentage"] * 10_000) if value.get("percentage") is not None else None,
        "minimum_minor": money.minor(minimum) if minimum is not None else 0,
        "usage_limit": asked.get("usageLimit"),
        "once_per_customer": bool(asked.get("appliesOncePerCustomer")),
        "customer_ids": [number_of(person, "Customer") for person in people],
        "combines_with": [name for name, wanted in (asked.get("combinesWith") or {}).items() if wanted],
        "product_ids": [number_of(one, "Product") for one in goods.get("productsToAdd") or []],
        "variant_ids": [number_of(one, "ProductVariant") for one in goods.get("productVariantsToAdd") or []],
    }


def _field(name: str) -> tuple[str, ...]:
    return ("basicCodeDiscount", name)


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as broken:
        raise Refused(f"{text!r} is not a date", field=_field("startsAt")) from broken
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _discount_error(error: StoreError) -> Fields:
    return _error(error, "INVALID") | {"extraInfo": None}


def _error(error: StoreError, otherwise: str) -> Fields:
    return _plain_error(error) | {"code": error.code if isinstance(error, Refused) else otherwise}


def _plain_error(error: StoreError) -> Fields:
    return {"field": list(error.field) if isinstance(error, Refused) else ["id"], "message": str(error)}
