"""What can go wrong with an import: told apart, said in a sentence, and tried again or left to a person.

queued        the store runs as many operations as it allows      tried again, without end
unreachable   no answer, a broken download, asked to slow down    tried again, goes on where it was
broke_off     the store's own error or time-out, with or without  tried again, goes on after what came
              a part of the result
expired       the result is older than seven days, or forgotten   asked for again
fault         we failed                                           tried again
denied        a permission is missing                             a person, then Retry
refused       the store does not accept the question              a person, then Retry
cancelled     somebody in the store stopped it                    a person, then Retry
locked_out    the store does not accept our token                 opening the app
"""

from __future__ import annotations

from plugin.errors import RegularsError, Unauthorized, Unavailable
from plugin.shopify.errors import Denied
from plugin.shops.models import Shop
from plugin.sync.models import SyncRun

MOST_TRIES = 8  # in vain, one after the other
BACKOFF_SECONDS = (5, 15, 60, 300, 900, 1800, 3600, 3600)
QUEUE_SECONDS = 15

SCOPES = {
    "customers": ("read_customers",),
    "products": ("read_products", "read_inventory"),
    "orders": ("read_orders", "read_customers", "read_products"),
    "refunds": ("read_orders",),
    "checkouts": ("read_orders", "read_customers", "read_products"),
}


def missing_scopes(shop: Shop, kind: str) -> list[str]:
    """Which of the permissions for a kind of object the shop has not granted; all of them when it says it has."""
    needed = SCOPES[kind]
    return [scope for scope in needed if scope not in shop.scopes] or list(needed)


def explain(run: SyncRun) -> RegularsError | None:
    """What went wrong with the import last, as a sentence; None when nothing did."""
    return _ended(run) if run.state in ("failed", "cancelled") else _tried_again(run)


def _ended(run: SyncRun) -> RegularsError:
    match run.trouble:
        case "cancelled":
            return Unavailable("Somebody cancelled this in the store's admin. Retry when you want it after all.")
        case "denied":
            scopes = ", ".join(run.detail.get("scopes", ()))
            return Denied(
                "The store has not granted what this needs: %(scopes)s. Grant it in the store, then retry.",
                scopes=scopes,
            )
        case "refused":
            return Denied("The store does not accept the question: %(reason)s", reason=run.detail.get("said", ""))
        case "locked_out":
            return Unauthorized("The store does not accept our access any more. Open the app in the store, then retry.")
        case "unreachable":
            return Unavailable(
                "The store could not be reached, %(tries)s times in a row. Retry later.", tries=run.tries
            )
        case "broken":
            return Unavailable(
                "The connection broke %(tries)s times in a row while the store's result was read. Retry later.",
                tries=run.tries,
            )
        case "expired":
            return Unavailable("The store's result was gone each time before it could be read. Retry later.")
        case "broke_off":
            return Unavailable(
                "The store broke off while it read, %(tries)s times in a row. What came is kept; retry later.",
                tries=run.tries,
            )
    return Unavailable("This failed %(tries)s times in a row, and the fault is ours. Retry later.", tries=run.tries)


def _tried_again(run: SyncRun) -> RegularsError | None:
    match run.trouble:
        case "queued":
            return Unavailable("The store is busy with other exports. This begins when one of them is done.")
        case "unreachable":
            return Unavailable("The store cannot be reached or asks us to slow down. It goes on where it was.")
        case "broken":
            return Unavailable("The connection broke while the store's result was read. It goes on where it was.")
        case "expired":
            return Unavailable("The store's result was not there any more. It is asked for again.")
        case "broke_off" if run.goes_on_from:
            return Unavailable("The store broke off after a part. The part is kept, and the rest is asked for.")
        case "broke_off":
            return Unavailable("The store broke off while it read. It is asked again.")
        case "fault":
            return Unavailable("This failed, and the fault is ours. It is tried again.")
    return None
