"""Pages of the shop: home, collections, product, search; the visitor's language; files of the app's blocks."""

from flask import Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox.records import Product, Variant
from plugin.sandbox.storefront import visitor
from plugin.sandbox.storefront.blocks import asset, locales
from plugin.sandbox.storefront.shelves import (
    COLLECTIONS,
    SORTS,
    by_handle,
    collection,
    neighbours,
    on_sale,
    price_from,
    products_of,
    search,
)
from plugin.sandbox.storefront.theme import blueprint, local_path


@blueprint.get("/")
def home() -> str:
    """What is new, what is loved, and the way to the shelves."""
    world = visitor.the_world()
    new = [product for product in on_sale(world) if product.product_type in ("Filter coffee", "Espresso", "Decaf")]
    gear = [product for product in on_sale(world) if product.product_type == "Brewing gear"]
    return render_template(
        "storefront/home.html", page_type="index", new=new[:8], gear=gear[:4], hero=new[0] if new else None
    )


@blueprint.get("/collections")
def collections() -> AnyResponse:
    """The list of collections is the shelf with everything."""
    return redirect("/collections/all")


@blueprint.get("/collections/<handle>")
def collection_page(handle: str) -> str:
    """One shelf, sorted as the shopper likes."""
    shelf = collection(handle)
    sort = request.args.get("sort_by", SORTS[0])
    found = products_of(visitor.the_world(), shelf, sort)
    return render_template(
        "storefront/collection.html",
        page_type="collection",
        shelf=shelf,
        products=found,
        sort=sort,
        sorts=SORTS,
        shelves=COLLECTIONS,
    )


@blueprint.get("/products/<handle>")
@blueprint.get("/collections/<_shelf>/products/<handle>")
def product_page(handle: str, _shelf: str = "") -> str:
    """One product; `?variant=` chooses which of its variants is selected."""
    world = visitor.the_world()
    product = by_handle(world, handle)
    return render_template(
        "storefront/product.html",
        page_type="product",
        product=product,
        selected=chosen_variant(product),
        others=neighbours(world, product),
    )


def chosen_variant(product: Product) -> Variant:
    """The variant of the query, else the first that is in stock, else the first."""
    wanted = request.args.get("variant", "")
    by_id = next((variant for variant in product.variants if str(variant.id) == wanted), None)
    in_stock = next((variant for variant in product.variants if variant.inventory_quantity > 0), None)
    return by_id or in_stock or product.variants[0]


@blueprint.get("/search")
def search_page() -> str:
    """Products that match every word."""
    query = request.args.get("q", "").strip()
    found = search(visitor.the_world(), query)
    return render_template("storefront/search.html", page_type="search", query=query, products=found)


@blueprint.post("/localization")
def choose_locale() -> AnyResponse:
    """Remember the language of the visitor; only those the theme offers."""
    code = request.form.get("locale_code", "")
    answer = redirect(local_path(request.form.get("return_to")))
    return visitor.remember_locale(answer, code) if code in locales() else answer


@blueprint.get("/products/<handle>.js")
def product_json(handle: str) -> Response:
    """The product as themes fetch it: ids, variants, prices in minor units."""
    product = by_handle(visitor.the_world(), handle)
    variants = [
        {
            "id": v.id,
            "title": v.title,
            "price": v.price_minor,
            "available": v.inventory_quantity > 0,
            "options": v.options,
        }
        for v in product.variants
    ]
    return jsonify(
        id=product.id, title=product.title, handle=product.handle, price=price_from(product), variants=variants
    )


@blueprint.get("/extensions/regulars/assets/<name>")
def extension_asset(name: str) -> AnyResponse:
    """A script, style sheet or picture of the app's blocks."""
    return asset(name)
