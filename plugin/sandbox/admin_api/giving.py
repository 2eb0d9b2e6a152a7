"""Gift cards and store credit as the Admin API shows them."""

from datetime import date, datetime
from typing import Any

from plugin.sandbox import gift_cards, money, store_credit
from plugin.sandbox.admin_api import search
from plugin.sandbox.admin_api.node import Fields, Node, money_v2, number_of, optional_instant
from plugin.sandbox.admin_api.paging import connect
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.errors import Refused, StoreError
from plugin.sandbox.records import CreditMove, Customer, GiftCard

FIELDS: dict[str, Any] = {
    "id": lambda card: card.id,
    "customer_id": lambda card: card.customer_id,
    "created_at": lambda card: card.created_at,
    "code": lambda card: card.code,
}


def card_page(api: Api, query: str | None = None, sort_key: str = "ID", **page: Any) -> Fields:
    """A connection of gift cards; a bare word is a code."""
    cards, word = list(api.world.gift_cards), (query or "").strip().casefold()
    found = search.select(cards, query, FIELDS) if ":" in word else [c for c in cards if word in ("", c.code)]
    return connect(api, found, lambda one: GiftCardNode(api, one), key=lambda one: (one.id,), **page)


class GiftCardNode(Node):
    """`GiftCard`: its code is never shown again."""

    type_name = "GiftCard"
    record: GiftCard

    def balance(self) -> Fields:
        """What is left."""
        return money_v2(self.record.balance_minor)

    def initial_value(self) -> Fields:
        """What it began with."""
        return money_v2(self.record.initial_minor)

    def enabled(self) -> bool:
        """Whether it was not ended."""
        return self.record.deactivated_at is None

    def deactivated_at(self) -> str | None:
        """When it was ended."""
        return optional_instant(self.record.deactivated_at)

    def expires_on(self) -> str | None:
        """Its last day."""
        return self.record.expires_on.isoformat() if self.record.expires_on else None

    def last_characters(self) -> str:
        """The last four letters of its code."""
        return self.record.code[-4:]

    def masked_code(self) -> str:
        """The same with dots before them."""
        return f"•••• •••• •••• {self.last_characters()}"

    def customer(self) -> Node | None:
        """Whose it is."""
        return self.make("Customer", self.api.world.customers.get(self.record.customer_id))


def account_page(api: Api, customer: Customer, query: str | None = None, **page: Any) -> Fields:
    """A customer's accounts: one, once something was given."""
    found = [customer] if api.world.credit_moves.by("customer", customer.id) else []
    return connect(api, found, lambda one: CreditAccountNode(api, one), **page)


class CreditAccountNode(Node):
    """`StoreCreditAccount` around its customer."""

    type_name = "StoreCreditAccount"
    record: Customer

    def balance(self) -> Fields:
        """What can be spent now."""
        return money_v2(store_credit.balance(self.api.world, self.record.id))

    def transactions(self, query: str | None = None, sort_key: str | None = None, **page: Any) -> Fields:
        """What was given and spent."""
        moves = self.api.world.credit_moves.by("customer", self.record.id)
        return connect(self.api, moves, self._move, key=lambda one: (one.id,), **page)

    def _move(self, move: CreditMove) -> Node:
        return (CreditNode if move.amount_minor > 0 else DebitNode)(self.api, move)


class CreditNode(Node):
    """`StoreCreditAccountCreditTransaction`."""

    type_name = "StoreCreditAccountCreditTransaction"
    record: CreditMove

    def amount(self) -> Fields:
        """Above zero for what was given."""
        return money_v2(self.record.amount_minor)

    def balance_after_transaction(self) -> Fields:
        """What there was then."""
        return money_v2(self.record.balance_minor)

    def remaining_amount(self) -> Fields:
        """What is left of it."""
        return money_v2(self.record.remaining_minor)

    def expires_at(self) -> str | None:
        """When what is left is gone."""
        return optional_instant(self.record.expires_at)

    def event(self) -> str:
        """Why the store moved it."""
        return "ADJUSTMENT" if self.record.amount_minor > 0 else "ORDER_PAYMENT"

    def account(self) -> Node | None:
        """Of whose account."""
        return self.make("StoreCreditAccount", self.api.world.customers.get(self.record.customer_id))


class DebitNode(CreditNode):
    """`StoreCreditAccountDebitTransaction`."""

    type_name = "StoreCreditAccountDebitTransaction"


def make_card(api: Api, asked: Fields) -> Fields:
    """`giftCardCreate`."""
    try:
        card = gift_cards.create_gift_card(
            api.world,
            code=asked.get("code"),
            amount_minor=_minor(asked.get("initialAmount")),
            customer_id=number_of(asked["customerId"], "Customer") if asked.get("customerId") else None,
            expires_on=date.fromisoformat(asked["expiresOn"]) if asked.get("expiresOn") else None,
            note=asked.get("note"),
        )
    except StoreError as error:
        return {"giftCard": None, "giftCardCode": None, "userErrors": [_error(error)]}
    return {"giftCard": GiftCardNode(api, card), "giftCardCode": card.code, "userErrors": []}


def end_card(api: Api, global_id: str) -> Fields:
    """`giftCardDeactivate`."""
    try:
        card = gift_cards.deactivate_gift_card(api.world, number_of(global_id, "GiftCard"))
    except StoreError as error:
        return {"giftCard": None, "userErrors": [{**_error(error), "code": "GIFT_CARD_NOT_FOUND"}]}
    return {"giftCard": GiftCardNode(api, card), "userErrors": []}


def give(api: Api, global_id: str, asked: Fields) -> Fields:
    """`storeCreditAccountCredit`, to a customer."""
    amount = asked["creditAmount"]
    try:
        move = store_credit.give_credit(
            api.world,
            number_of(global_id, "Customer"),
            _minor(amount),
            currency=amount["currencyCode"],
            expires_at=datetime.fromisoformat(asked["expiresAt"]) if asked.get("expiresAt") else None,
        )
    except StoreError as error:
        return {"storeCreditAccountTransaction": None, "userErrors": [_error(error)]}
    return {"storeCreditAccountTransaction": CreditNode(api, move), "userErrors": []}


def _minor(amount: Fields | None) -> int:
    return money.minor(amount["amount"]) if amount else 0


def _error(error: StoreError) -> Fields:
    refused = isinstance(error, Refused)
    field, code = (list(error.field), error.code) if isinstance(error, Refused) else (["id"], None)
    return {"field": field, "message": str(error), "code": code if refused else None}
