"""Which scope a field needs, by the type it gives and, for mutations, by its name."""

from functools import cache
from typing import Any

from graphql import GraphQLError, GraphQLOutputType, GraphQLResolveInfo, get_named_type

from plugin.sandbox.admin_api.request import Api

Info = GraphQLResolveInfo[Api]

TYPE_SCOPES = {
    "Customer": "read_customers",
    "Order": "read_orders",
    "LineItem": "read_orders",
    "Refund": "read_orders",
    "AbandonedCheckout": "read_orders",
    "Fulfillment": "read_orders",
    "Product": "read_products",
    "Collection": "read_products",
    "ProductVariant": "read_products",
    "InventoryItem": "read_inventory",
    "InventoryLevel": "read_inventory",
    "Location": "read_locations",
    "DiscountNode": "read_discounts",
    "DiscountCodeNode": "read_discounts",
    "StoreCreditAccount": "read_store_credit_accounts",
    "StoreCreditAccountTransaction": "read_store_credit_account_transactions",
    "StoreCreditAccountCreditTransaction": "read_store_credit_account_transactions",
    "GiftCard": "read_gift_cards",
}
FIELD_SCOPES = {
    "customersCount": "read_customers",
    "ordersCount": "read_orders",
    "productsCount": "read_products",
    "discountNodesCount": "read_discounts",
    "abandonedCheckoutsCount": "read_orders",
    "customerEmailMarketingConsentUpdate": "write_customers",
    "customerSmsMarketingConsentUpdate": "write_customers",
    "customerUpdate": "write_customers",
    "discountCodeActivate": "write_discounts",
    "discountCodeBasicCreate": "write_discounts",
    "discountCodeBasicUpdate": "write_discounts",
    "discountCodeDeactivate": "write_discounts",
    "discountCodeDelete": "write_discounts",
    "discountCodeFreeShippingCreate": "write_discounts",
    "discountCodeFreeShippingUpdate": "write_discounts",
    "giftCardCreate": "write_gift_cards",
    "giftCardDeactivate": "write_gift_cards",
    "storeCreditAccountCredit": "write_store_credit_account_transactions",
}


def check(info: Info, scopes: frozenset[str]) -> None:
    """Raise ACCESS_DENIED when the field gives a type (or does a thing) that was not granted."""
    check_field(info.field_name, info.return_type, scopes)


def check_field(field: str, kind: GraphQLOutputType, scopes: frozenset[str]) -> None:
    """The same by the field's name and type."""
    needed = _needed(field, kind)
    if needed and needed not in scopes:
        raise denied(field, needed)


@cache
def _needed(field: str, kind: GraphQLOutputType) -> str | None:
    name = get_named_type(kind).name
    return FIELD_SCOPES.get(field) or TYPE_SCOPES.get(name.removesuffix("Connection"))


def denied(field: str, scope: str) -> GraphQLError:
    """The error as the real store words it."""
    needed = f"`{scope}` access scope."
    extensions: dict[str, Any] = {
        "code": "ACCESS_DENIED",
        "documentation": "https://shopify.dev/api/usage/access-scopes",
        "requiredAccess": needed,
    }
    return GraphQLError(f"Access denied for {field} field. Required access: {needed}", extensions=extensions)
