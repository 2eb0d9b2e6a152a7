"""Products in the admin: the list, a new product, prices and stock of one."""

import re
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox import money, products
from plugin.sandbox.admin.frame import blueprint, done, page_of, the_world
from plugin.sandbox.records import Image, Variant

TYPES = ("Filter coffee", "Espresso", "Decaf", "Brewing gear", "Merchandise")
COFFEE_TAX_BP, TAX_BP = 700, 1900
PRICE = re.compile(r"\d{1,7}([.,]\d{1,2})?", re.A)
STOCK = re.compile(r"-?\d{1,7}", re.A)


@blueprint.get("/admin/products")
def product_list() -> str:
    """All products, newest first."""
    query = request.args.get("q", "").strip()
    words = query.casefold().split()
    newest = sorted(the_world().products, key=lambda product: (product.created_at, product.id), reverse=True)
    found = [
        p for p in newest if all(word in f"{p.title} {p.product_type} {' '.join(p.tags)}".casefold() for word in words)
    ]
    rows, page, pages = page_of(found)
    return render_template("admin/products.html", rows=rows, count=len(found), page=page, pages=pages, query=query)


@blueprint.get("/admin/products/new")
def new_product() -> str:
    """The form of a new product."""
    return _form({}, {})


def _form(typed: Any, errors: dict[str, str]) -> str:
    return render_template("admin/product_new.html", typed=typed, errors=errors, types=TYPES)


@blueprint.post("/admin/products/new")
def add_product() -> AnyResponse | tuple[str, int]:
    """Add the product; published at once unless it is to stay a draft."""
    form, errors = request.form, _mistakes(request.form)
    if errors:
        return _form(form, errors), 422
    coffee = form.get("product_type") in TYPES[:3]
    with the_world().change():
        product = products.add_product(
            the_world(),
            title=form["title"],
            price_minor=price_minor(form["price"]) or 0,
            product_type=form.get("product_type", "").strip(),
            tags=_tags(form.get("tags", "")),
            body_html=f"<p>{form.get('text', '').strip()}</p>" if form.get("text", "").strip() else "",
            tax_rate_bp=COFFEE_TAX_BP if coffee else TAX_BP,
            images=[Image(id=0, src=f"/images/{products.slug(form['title'])}.svg", alt=form["title"])],
            publish=form.get("status", "active") == "active",
        )
    return done("Product created", url_for("admin.product_page", product_id=product.id))


def _mistakes(form: Any) -> dict[str, str]:
    errors = {} if form.get("title", "").strip() else {"title": "Enter a title"}
    if price_minor(form.get("price", "")) is None:
        errors["price"] = "Enter a price, such as 14.50"
    return errors


def price_minor(typed: str) -> int | None:
    """Minor units of a typed price with comma or point, None when it is no price."""
    return money.minor(typed.strip().replace(",", ".")) if PRICE.fullmatch(typed.strip()) else None


def _tags(text: str) -> list[str]:
    return [tag.strip() for tag in text.split(",") if tag.strip()]


@blueprint.get("/admin/products/<int:product_id>")
def product_page(product_id: int) -> str:
    """One product."""
    return render_template("admin/product.html", product=the_world().products[product_id], types=TYPES)


@blueprint.post("/admin/products/<int:product_id>")
def save_product(product_id: int) -> AnyResponse:
    """Save title, type, tags, status, and price and stock of every variant (`price-<id>`, `stock-<id>`)."""
    form, world = request.form, the_world()
    with world.change():
        product = world.products[product_id]
        products.save_product(
            world,
            product_id,
            title=form.get("title", "").strip() or None,
            product_type=form.get("product_type"),
            tags=_tags(form.get("tags", "")),
            status=form.get("status"),
        )
        for variant in list(product.variants):
            _save_variant(
                variant, price_minor(form.get(f"price-{variant.id}", "")), form.get(f"stock-{variant.id}", "")
            )
    return done("Product saved")


def _save_variant(variant: Variant, price: int | None, stock: str) -> None:
    if price is not None and price != variant.price_minor:
        products.save_price(the_world(), variant.id, price)
    if STOCK.fullmatch(stock) and int(stock) != variant.inventory_quantity:
        products.set_stock(the_world(), variant.id, int(stock))


@blueprint.post("/admin/products/<int:product_id>/delete")
def delete_product(product_id: int) -> AnyResponse:
    """Remove the product."""
    products.delete_product(the_world(), product_id)
    return done("Product deleted", url_for("admin.product_list"))
