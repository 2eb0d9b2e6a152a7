"""Buying a reward while somebody looks on: points and the recorded effect first, then the code, three seconds long."""

from __future__ import annotations

from plugin.db.engine import transaction
from plugin.effects import performing
from plugin.effects import queries as effects
from plugin.jobs.doorbell import ring
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.models import Redemption
from plugin.loyalty.redeeming import KIND_OF_EFFECT
from plugin.loyalty.returning import TAKE_BACK_KIND
from plugin.shops.models import Shop

WAIT_SECONDS = 3.0


def buy(
    shop: Shop, customer_id: int, reward_id: int, request_key: str, points: int | None = None, actor: str = ""
) -> Redemption:
    """The redemption after at most three seconds: issued, still reserved (a worker goes on), or returned.

    Raises what plugin.loyalty.operations.redeem raises.
    """
    with transaction(shop.id) as session:
        bought = loyalty.redeem(session, shop, customer_id, reward_id, request_key, points, actor)
        waits = bought.state == "reserved"
    return _after(shop, bought, KIND_OF_EFFECT[bought.kind] if waits else None)


def give_back(shop: Shop, redemption_id: int, customer_id: int | None = None, actor: str = "") -> Redemption:
    """A reward taken back, by the shopper who is named or by staff; still "ending" when the store takes longer.

    Raises what plugin.loyalty.operations.take_back raises.
    """
    with transaction(shop.id) as session:
        if customer_id is None:
            ending = loyalty.take_back(session, shop, redemption_id, actor)
        else:
            ending = loyalty.take_back_own(session, shop, customer_id, redemption_id)
        waits = ending.state == "ending"
    return _after(shop, ending, TAKE_BACK_KIND if waits else None)


def _after(shop: Shop, redemption: Redemption, kind: str | None) -> Redemption:
    """The redemption once its effect of this kind is performed, or after three seconds."""
    if kind is not None:
        with transaction(shop.id) as session:
            effect = effects.one(session, shop.id, kind, str(redemption.id))
        if effect is not None and performing.perform_now(shop.id, effect.id, WAIT_SECONDS) != "done":
            ring("effects.perform_due")
    with transaction(shop.id) as session:
        return queries.redemption(session, shop, redemption.id)
