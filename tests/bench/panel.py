"""panel: p95 of the pages of the customer list with many customers, next to the same with a thousand."""

from __future__ import annotations

import re
from time import perf_counter

import app
from plugin.shops.models import Shop
from tests.admin_ui.tokens import token
from tests.bench.figures import Figure, of_rounds
from tests.bench.house import SECRET, House, make_shop

MANY = 200_000  # a million takes minutes to fill
FEW = 1_000
ROUNDS = 3
PAGES = 12
GOAL = 1.5
FILL = """
    INSERT INTO customers (shop_id, id, email, first_name, last_name, sort_name, email_consent, orders_count,
        spent_minor, spent_currency, created_at, last_order_at, version)
    SELECT %(shop)s, n, 'person' || n || '@example.com', 'Anna', 'Person ' || n, 'person ' || n || ' anna',
        'subscribed', n %% 40, (n * 7919) %% 100000, 'EUR', now() - n * interval '1 minute',
        now() - n * interval '2 minutes', 'v'
    FROM generate_series(1, %(many)s) AS n
"""
TERMS = """
    INSERT INTO customer_terms (shop_id, term, customer_id)
    SELECT %(shop)s, term, n FROM generate_series(1, %(many)s) AS n,
        LATERAL unnest(ARRAY['anna', 'person' || n, 'person' || n || '@example.com']) AS term
"""


def run(house: House) -> Figure:
    many, few = make_shop(house, 301), make_shop(house, 302)
    _fill(house, many, MANY)
    _fill(house, few, FEW)
    client = app.create_app().test_client()
    for shop in (many, few):
        _p95(client, shop)
    rounds = [(_p95(client, many) * 1000, _p95(client, few) * 1000) for _ in range(ROUNDS)]
    return of_rounds("panel", rounds, GOAL, less_is_better=True, detail={"unit": "ms p95", "customers": MANY})


def _fill(house: House, shop: Shop, many: int) -> None:
    with house.owner() as owner:
        for statement in (FILL, TERMS):
            owner.execute(statement, {"shop": shop.id, "many": many})
        owner.execute("ANALYZE customers, customer_terms")


def _p95(client: object, shop: Shop) -> float:
    """Over first, next and searched pages in several orders."""
    times = []
    for query in ("", "?sort=-spent", "?sort=-orders", "?q=person9", "?q=anna"):
        path = f"/customers{query}"
        for _ in range(PAGES // 3):
            taken, html = _get(client, path, shop)
            times.append(taken)
            following = re.search(r'href="(/customers\?[^"]*after=[^"]*)"', html)
            if following is None:
                break
            path = following[1].replace("&amp;", "&")
    return sorted(times)[int(len(times) * 0.95)]


def _get(client: object, path: str, shop: Shop) -> tuple[float, str]:
    claims = {"iss": f"https://{shop.domain}/admin", "dest": f"https://{shop.domain}", "aud": "bench"}
    headers = {"Authorization": f"Bearer {token(SECRET, **claims)}", "HX-Request": "true"}
    started = perf_counter()
    response = client.get(path, headers=headers)  # type: ignore[attr-defined]
    taken = perf_counter() - started
    assert response.status_code == 200, (path, response.status_code, response.text[:300])
    return taken, response.text
