"""One pretend store's truth: what its customers, orders and carts are now, and the news every change makes.

Five of these look alike (the same ids, the same names of webhooks) and differ in one word that appears in everybody's
name and address: found in another shop, it is a leak. Money in minor units until it is written into a body.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, Final

from tests import payloads

Body = dict[str, Any]
WORDS: Final = ("Amaranth", "Bergamot", "Cardamom", "Dulcimer", "Eglantine")
PRODUCTS: Final = tuple(range(7001, 7009))


@dataclass(frozen=True)
class Event:
    """One piece of news; several topics may tell the same."""

    shop: int
    topic: str
    body: bytes
    triggered_at: str
    id: str
    about: tuple[str, Any]


class World:
    """A store. `now` tells business time; all methods may be called from any thread."""

    def __init__(self, place: int, now: Callable[[], datetime]) -> None:
        self.place, self._now = place, now
        self.word = WORDS[place]
        self.domain = f"chaos-{self.word.lower()}.myshopify.com"
        self.store_id = 548_000_000 + place
        self.currency = "JPY" if place == 4 else "EUR"
        self.lock = RLock()
        self.customers: dict[int, Body] = {}
        self.consents: dict[int, tuple[str, str]] = {}
        self.tags: dict[int, set[str]] = {}
        self.orders: dict[int, Body] = {}
        self.deleted: set[int] = set()
        self.checkouts: dict[str, Body] = {}
        self.products: dict[int, Body] = {}
        self.codes: dict[str, Body] = {}
        self._numbers = {"event": 0, "customer": 500, "order": 1000, "line": 9000, "refund": 20000, "checkout": 0}

    # Changes, each returning its news

    def open(self) -> list[Event]:
        """The products."""
        for id in PRODUCTS:
            self.products[id] = payloads.product(id, title=f"Coffee {id}", handle=f"coffee-{id}", **self._stamps())
        return [self._event("products/create", self.products[id], ("products", id)) for id in PRODUCTS]

    def register(self) -> list[Event]:
        """A new customer who said yes to mail."""
        id = self._next("customer")
        email = f"person{id}@{self.word.lower()}.example"
        body = payloads.customer(
            id, email=email, last_name=f"{self.word} {id}", currency=self.currency, **self._stamps()
        )
        self.customers[id] = body
        return [self._event("customers/create", body, ("customers", id)), *self.consent(id, "subscribed")]

    def consent(self, id: int, state: str) -> list[Event]:
        self.consents[id] = (state, self._stamp())
        told = {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": self.consents[id][1]}
        body = {"customer_id": id, "email_address": self.customers[id]["email"], "email_marketing_consent": told}
        return [self._event("customers_email_marketing_consent/update", body, ("customers", id))]

    def rename(self, id: int, name: str) -> list[Event]:
        self._touch(id, first_name=name)
        return [self._event("customers/update", self.customers[id], ("customers", id))]

    def tag(self, id: int) -> list[Event]:
        """Tags are told as a change, so the customer is fetched."""
        self.tags[id] = {"vip"}
        self._touch(id)
        body = {"customerId": f"gid://shopify/Customer/{id}", "tags": ["vip"], "occurredAt": self._stamp()}
        return [self._event("customer.tags_added", body, ("customers", id))]

    def order(
        self,
        customer_id: int,
        lines: list[tuple[int, int, int]],
        code: tuple[str, int] | None = None,
        checkout: str | None = None,
    ) -> list[Event]:
        """A paid order of (product, price, quantity) lines; `code` is a discount code and its value."""
        id = self._next("order")
        bought = [self._line(*line) for line in lines]
        discount = self._discount(bought[0], code) if code else 0
        total = sum(_cost(line) for line in bought) - discount
        stamps = self._stamps()
        token = checkout or f"token-{id}"
        body = payloads.order(id, customer_id) | {
            "customer": self._buyer(customer_id),
            "email": self.customers[customer_id]["email"],
            "currency": self.currency,
            "presentment_currency": self.currency,
            "line_items": [_told(line, self._money) for line in bought],
            "subtotal_price": self._money(total),
            "total_price": self._money(total),
            "current_subtotal_price": self._money(total),
            "current_total_price": self._money(total),
            "total_discounts": self._money(discount),
            "total_shipping_price_set": None,
            "total_tax": "0",
            "discount_codes": [{"code": code[0]}] if code else [],
            "checkout_token": token,
            "cart_token": f"cart-{token}",
            "processed_at": stamps["created_at"],
            **stamps,
        }
        self.orders[id] = body
        news = [self._of_order(topic, id) for topic in ("orders/create", "orders/paid")]
        return news + (self._complete(checkout) if checkout else [])

    def refund(self, id: int, line: int, quantity: int) -> list[Event]:
        """So many units of the order's n-th line come back."""
        order, number, at = self.orders[id], self._next("refund"), self._stamp()
        sold = order["line_items"][line]
        value = self._minor(sold["price"]) * quantity
        back = {
            "id": number * 10,
            "line_item_id": sold["id"],
            "quantity": quantity,
            "subtotal": float(self._money(value)),
            "total_tax": 0.0,
            "subtotal_set": {"shop_money": {"amount": self._money(value), "currency_code": self.currency}},
        }
        refund = payloads.refund(number, id, created_at=at, processed_at=at, refund_line_items=[back], transactions=[])
        left = [
            each | {"current_quantity": each["current_quantity"] - quantity} if each is sold else each
            for each in order["line_items"]
        ]
        self._change(id, refunds=[*order["refunds"], refund], line_items=left)
        whole = not any(each["current_quantity"] for each in left)
        self._change(id, financial_status="refunded" if whole else "partially_refunded")
        self._less(id, value)
        return [self._event("refunds/create", refund, ("orders", id)), self._of_order("orders/updated", id)]

    def edit(self, id: int, line: int) -> list[Event]:
        """One unit less, without money back: told as a change, so the order is fetched; and as a state."""
        lines = [dict(each) for each in self.orders[id]["line_items"]]
        lines[line]["current_quantity"] -= 1
        self._change(id, line_items=lines)
        self._less(id, self._minor(lines[line]["price"]))
        edit = {"order_edit": {"id": self._next("refund"), "order_id": id}}
        return [self._event("orders/edited", edit, ("orders", id)), self._of_order("orders/updated", id)]

    def cancel(self, id: int) -> list[Event]:
        self._change(id, cancelled_at=self._stamp())
        return [self._of_order("orders/cancelled", id), self._of_order("orders/updated", id)]

    def delete(self, id: int) -> list[Event]:
        self.deleted.add(id)
        return [self._event("orders/delete", {"id": id}, ("orders", id))]

    def fulfil(self, id: int) -> list[Event]:
        body = {"id": id + 300_000, "order_id": id, "status": "success", "tracking_number": "T1"} | self._stamps()
        return [self._event("fulfillments/create", body, ("orders", id))]

    def fill_cart(self, customer_id: int, line: tuple[int, int, int]) -> tuple[str, list[Event]]:
        """A checkout somebody leaves behind: its token and the news."""
        token = f"left-{self._next('checkout')}"
        sold = self._line(*line)
        told = {"title": sold["title"], "variant_title": "250 g", "quantity": sold["quantity"]}
        person = self.customers[customer_id]
        body = payloads.checkout(token, customer_id) | {
            "email": person["email"],
            "customer": {"id": customer_id, "email": person["email"]},
            "currency": self.currency,
            "subtotal_price": self._money(_cost(sold)),
            "total_price": self._money(_cost(sold)),
            "abandoned_checkout_url": f"https://{self.domain}/{self.store_id}/checkouts/{token}/recover?key=k",
            "line_items": [told | {"price": self._money(sold["price"]), "product_id": line[0]}],
            **self._stamps(),
        }
        self.checkouts[token] = body
        return token, [self._event("checkouts/create", body, ("checkouts", token))]

    # Inside

    def _touch(self, id: int, **fields: Any) -> None:
        """A customer changed: always at another second, because the store's lists tell nothing finer."""
        before = datetime.fromisoformat(self.customers[id]["updated_at"])
        at = max(self._now().replace(microsecond=0), before + timedelta(seconds=1))
        self.customers[id] = self.customers[id] | fields | {"updated_at": at.isoformat()}

    def _complete(self, token: str) -> list[Event]:
        done = {"completed_at": self._stamp(), "updated_at": self._stamp()}
        self.checkouts[token] = self.checkouts[token] | done
        return [self._event("checkouts/update", self.checkouts[token], ("checkouts", token))]

    def _change(self, id: int, **fields: Any) -> None:
        self.orders[id] = self.orders[id] | fields | {"updated_at": self._stamp()}

    def _less(self, id: int, value: int) -> None:
        left = max(0, self._minor(self.orders[id]["current_total_price"]) - value)
        self._change(id, current_total_price=self._money(left), current_subtotal_price=self._money(left))

    def _of_order(self, topic: str, id: int) -> Event:
        return self._event(topic, self.orders[id], ("orders", id))

    def _event(self, topic: str, body: Body, about: tuple[str, Any]) -> Event:
        """A body of any store is unlike those of all others; here only the word tells them apart."""
        number = self._next("event")
        told = json.dumps(body | {"told_by": self.word}).encode()
        return Event(self.place, topic, told, self._now().isoformat(), f"event-{number}", about)

    def _buyer(self, id: int) -> Body:
        return {name: value for name, value in self.customers[id].items() if name != "addresses"}

    def _line(self, product: int, price: int, quantity: int) -> Body:
        id = self._next("line")
        return {"id": id, "product_id": product, "title": f"Coffee {product}", "price": price, "quantity": quantity} | {
            "discount": 0
        }

    def _discount(self, line: Body, code: tuple[str, int]) -> int:
        line["discount"] = min(code[1], _cost(line))
        return line["discount"]

    def _money(self, minor: int) -> str:
        return str(minor) if self.currency == "JPY" else f"{minor // 100}.{minor % 100:02}"

    def _minor(self, amount: str) -> int:
        return int(amount.replace(".", ""))

    def _stamp(self) -> str:
        """Whole seconds, as the store writes them."""
        return self._now().replace(microsecond=0).isoformat()

    def _stamps(self) -> Body:
        return {"created_at": self._stamp(), "updated_at": self._stamp()}

    def _next(self, kind: str) -> int:
        with self.lock:
            self._numbers[kind] += 1
            return self._numbers[kind]


def _cost(line: Body) -> int:
    return line["price"] * line["quantity"]


def _told(line: Body, money: Callable[[int], str]) -> Body:
    """A line as a body shows it."""
    return payloads.line(line["id"]) | {
        "product_id": line["product_id"],
        "variant_id": line["product_id"] + 100,
        "title": line["title"],
        "quantity": line["quantity"],
        "current_quantity": line["quantity"],
        "price": money(line["price"]),
        "discount_allocations": [{"amount": money(line["discount"])}] if line["discount"] else [],
        "tax_lines": [],
    }
