"""`regulars money …`: whether the days that figures are read from are the ledger's, and counting them afresh."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable

from plugin.local.errors import LocalError


def add_words(parser: argparse.ArgumentParser) -> None:
    """The words after `regulars money`."""
    words = parser.add_subparsers(required=True, metavar="command")
    for name, handler, told in (
        ("check", _check, "compare every counted day with the ledger: exit status 1 if one differs"),
        ("rebuild", _rebuild, "forget all counted days and count the ledger afresh"),
    ):
        word = words.add_parser(name, help=told)
        word.add_argument("domain", nargs="?", help="the shop's myshopify domain; without it every shop")
        word.set_defaults(handler=handler)


def _check(options: argparse.Namespace) -> int:
    from plugin.local import running

    running.settle(os.environ)
    from plugin.db import engine as db
    from plugin.insights import point_days
    from plugin.shops import queries as shops

    wrong = 0
    for shop_id in _shops(options.domain):
        with db.transaction(shop_id) as session:
            shop = shops.shop(session)
            found = point_days.differences(session, shop)
        print(
            f"{shop.domain}: days that differ: {found}; rebuild them"
            if found
            else f"{shop.domain}: equal to the ledger"
        )
        wrong += found
    return 1 if wrong else 0


def _rebuild(options: argparse.Namespace) -> int:
    from plugin.local import running

    running.settle(os.environ)
    from plugin.db import engine as db
    from plugin.insights import point_days
    from plugin.shops import queries as shops

    for shop_id in _shops(options.domain):
        with db.transaction(shop_id) as session:
            shop = shops.shop(session)
            point_days.rebuild(session, shop)
        more = True
        while more:
            with db.transaction(shop_id) as session:
                more = point_days.count_step(session, shops.shop(session))
        print(f"{shop.domain}: counted afresh")
    return 0


def _shops(domain: str | None) -> Iterable[int]:
    from plugin.shops import queries as shops

    if domain is None:
        return shops.all_ids()
    shop = shops.by_domain(domain)
    if shop is None:
        raise LocalError(f"There is no shop {domain} here.")
    return [shop.id]
