"""The storefront as one blueprint: importing the modules of its pages registers them."""

from plugin.sandbox.storefront import account_views, cart_views, checkout_views, pages, pictures
from plugin.sandbox.storefront.theme import blueprint

PARTS = (pages, pictures, cart_views, checkout_views, account_views)
__all__ = ["PARTS", "blueprint"]
