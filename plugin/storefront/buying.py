"""Buying a reward while somebody looks on: points and the recorded effect first, then the code, three seconds long."""

from __future__ import annotations

from plugin.db.engine import transaction
from plugin.effects import performing
from plugin.effects import queries as effects
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.models import Redemption
from plugin.loyalty.redeeming import CODE_KIND
from plugin.shops.models import Shop

WAIT_SECONDS = 3.0


def buy(shop: Shop, customer_id: int, reward_id: int, request_key: str) -> Redemption:
    """The redemption after at most three seconds: issued, still reserved (a worker goes on), or returned.

    Raises what plugin.loyalty.operations.redeem raises.
    """
    with transaction(shop.id) as session:
        bought = loyalty.redeem(session, shop, customer_id, reward_id, request_key)
        waits = bought.state == "reserved"
        effect = effects.one(session, shop.id, CODE_KIND, str(bought.id)) if waits else None
    if effect is not None:
        performing.perform_now(shop.id, effect.id, WAIT_SECONDS)
    with transaction(shop.id) as session:
        return queries.redemption(session, shop, bought.id, customer_id)
