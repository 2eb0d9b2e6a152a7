"""The store's admin as one blueprint: importing the modules of its pages registers them."""

from plugin.sandbox.admin import (
    app_views,
    customer_views,
    order_views,
    product_views,
    sales_views,
    settings_views,
    theme_views,
)
from plugin.sandbox.admin.frame import blueprint

PARTS = (app_views, customer_views, order_views, product_views, sales_views, settings_views, theme_views)
__all__ = ["PARTS", "blueprint"]
