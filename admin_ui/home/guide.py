"""The setup guide: what is left to do, by what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext

from plugin.insights.home import SetUp
from plugin.shops.models import Shop
from plugin.sync.overview import Progress

BY_HAND = frozenset({"embed"})  # steps that a person may call done


@dataclass(frozen=True)
class Step:
    """One step. `settle` is where "mark as done" posts to."""

    title: str
    text: str
    done: bool
    href: str
    label: str
    settle: str = ""


def steps(there: SetUp, imports: Sequence[Progress], shop: Shop) -> list[Step]:
    """All steps in the order in which they help most."""
    return [
        Step(
            gettext("Import your store's history"),
            gettext("Customers, orders and products are copied in the background."),
            bool(imports) and not any(run.open or run.run.state == "failed" for run in imports),
            "/sync",
            gettext("See progress"),
        ),
        Step(
            gettext("Launch your programme"),
            gettext("Points, tiers and worked examples; it can start with past orders."),
            there.programme,
            "/loyalty",
            gettext("Set up programme"),
        ),
        Step(
            gettext("Add a reward"),
            gettext("What points buy: an amount off as a personal code."),
            there.reward,
            "/loyalty/rewards/new",
            gettext("Add reward"),
        ),
        Step(
            gettext("Show points on your storefront"),
            gettext("In the theme editor, under App embeds, turn on Regulars and save."),
            shop.settings.get("embed") == "on" or "embed" in shop.settings.get("dismissed", []),
            f"https://{shop.domain}/admin/themes/current/editor?context=apps",
            gettext("Open theme editor"),
            "/guide/embed",
        ),
        Step(
            gettext("Let shoppers subscribe to new products"),
            gettext("A field on product pages; one mail when something of that kind arrives."),
            there.field,
            "/subscriptions/new",
            gettext("Add field"),
        ),
        Step(
            gettext("Win back abandoned carts"),
            gettext("Two mails are written already. Look at them, then start."),
            there.campaign,
            "/campaigns",
            gettext("See campaign"),
        ),
    ]
