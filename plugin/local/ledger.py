"""`regulars ledger …`: whether the points of shops add up, without the panel."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from plugin.local.errors import LocalError


def add_words(parser: argparse.ArgumentParser) -> None:
    """The words after `regulars ledger`."""
    words = parser.add_subparsers(required=True, metavar="command")
    verify = words.add_parser("verify", help="check the chain of seals and add everything up: exit status 1 if wrong")
    verify.add_argument("domain", nargs="?", help="the shop's myshopify domain; without it every shop")
    verify.set_defaults(handler=_verify)
    export = words.add_parser("export", help="everything as a zip of JSON lines, with the script that checks it")
    export.add_argument("domain", help="the shop's myshopify domain")
    export.add_argument("file", nargs="?", type=Path, help="where to write it; a name with the date unless given")
    export.set_defaults(handler=_export)


def _verify(options: argparse.Namespace) -> int:
    from plugin.local import running

    running.settle(os.environ)
    faults = 0
    for shop_id in _shops(options.domain):
        faults += _verify_one(shop_id)
    return 1 if faults else 0


def _export(options: argparse.Namespace) -> int:
    from plugin import clock
    from plugin.local import running

    running.settle(os.environ)
    from plugin.loyalty.books import exporting
    from plugin.shops import queries as shops

    shop = shops.by_domain(options.domain)
    if shop is None:
        raise LocalError(f"There is no shop {options.domain} here.")
    path = options.file or Path(exporting.name(shop, clock.machine_now()))
    exporting.write(shop, path)
    print(f"Written: {path}. Check it with: python checker.py {path.name}, the script inside.")
    return 0


def _shops(domain: str | None) -> Iterable[int]:
    from plugin.shops import queries as shops

    if domain is None:
        return shops.all_ids()
    shop = shops.by_domain(domain)
    if shop is None:
        raise LocalError(f"There is no shop {domain} here.")
    return [shop.id]


def _verify_one(shop_id: int) -> int:
    from plugin.db import engine as db
    from plugin.loyalty.books import checking, sealing
    from plugin.shops import queries as shops

    shop = shops.by_id(shop_id)
    seals, faults = checking.look(lambda: db.transaction(shop_id), shop)
    for fault in faults:
        print(f"{shop.domain}: {fault}")
    with db.transaction(shop_id) as session:
        last = sealing.last_seal(session, shop)
    through = f"{seals} seals, the last of {last.day}, {last.digest[:16]}…" if last else "nothing sealed yet"
    print(
        f"{shop.domain}: {len(faults)} faults; {through}" if faults else f"{shop.domain}: everything adds up; {through}"
    )
    return len(faults)
