"""Who asks, according to the platform's signature and to nothing else: the shop, and the customer who is signed in.

A body can never name a customer. Writes of a signed-in customer also carry a token that only the store's own pages can
read, so that another site's form cannot spend points.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, request

from plugin import clock
from plugin.config import config
from plugin.crypto.secrets import sign, verify
from plugin.errors import Invalid, Refused, RegularsError
from plugin.shopify import signatures
from plugin.shopify.signatures import BadSignature
from plugin.shops import queries as shops
from plugin.shops.models import Shop

TOKEN_SECONDS = 6 * 3600
LARGEST_ID = 2**63 - 1


class NotSignedIn(RegularsError):
    """This needs a customer who is signed in at the store."""

    status = 401


class StalePage(Refused):
    """The page was open too long, or the request came from elsewhere: load again and repeat."""


@dataclass(frozen=True)
class Visitor:
    """The signed facts of one request. `proxy_path` is where the store serves us, "/apps/regulars"."""

    shop: Shop
    customer_id: int | None
    proxy_path: str


def admit() -> None:
    """Before each request: check the signature and find the shop. Raises BadSignature for everything else."""
    signed = signatures.proxy(request.query_string, config().secrets, clock.machine_now())
    domain = signed.get("shop", "").lower()
    shop = shops.by_domain(domain) if config().platform.is_shop_domain(domain) else None
    if shop is None or not shops.is_installed(shop):
        raise BadSignature("This store does not use the app.")
    g.visitor = Visitor(shop, _customer_id(signed.get("logged_in_customer_id", "")), signed.get("path_prefix", ""))


def _customer_id(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= LARGEST_ID):
        raise BadSignature("The signed customer is no customer.")
    return int(text)


def visitor() -> Visitor:
    """Who makes this request."""
    found: Visitor = g.visitor
    return found


def customer_id() -> int:
    """The customer who is signed in. Raises NotSignedIn."""
    if visitor().customer_id is None:
        raise NotSignedIn("Sign in to see and use your points.")
    return visitor().customer_id or 0


def write_token() -> str:
    """What a write of this customer must send back; "" for nobody."""
    if visitor().customer_id is None:
        return ""
    ends = int(clock.machine_now().timestamp()) + TOKEN_SECONDS
    return sign("storefront", visitor().shop.id, visitor().customer_id or 0, ends)


def check_token(token: str) -> None:
    """Raises StalePage unless this customer got the token lately."""
    try:
        shop_id, owner, ends = map(int, verify("storefront", token))
    except (Invalid, ValueError) as error:
        raise StalePage("Load the page again, then repeat.") from error
    mine = (shop_id, owner) == (visitor().shop.id, visitor().customer_id)
    if not mine or ends < clock.machine_now().timestamp():
        raise StalePage("Load the page again, then repeat.")
