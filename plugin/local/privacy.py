"""`regulars privacy …`: what only the owner of the tables may do about personal data."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Engine, create_engine

from plugin.local.errors import LocalError

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


def add_words(parser: argparse.ArgumentParser) -> None:
    """The words after `regulars privacy`."""
    words = parser.add_subparsers(required=True, metavar="command")
    shops = words.add_parser("erase-shops", help="delete every shop that left and asked for it; run it daily")
    shops.set_defaults(handler=_erase_shops)
    listed = words.add_parser("list", help="print who was erased, by the store's ids; keep it outside the database")
    listed.add_argument("--since", type=datetime.fromisoformat, default=BEGINNING, metavar="TIME")
    listed.set_defaults(handler=_list)
    replay = words.add_parser("replay", help="after a restore: erase again whom the list names")
    replay.add_argument("list", type=argparse.FileType("r"), help="a file that `regulars privacy list` wrote, or -")
    replay.set_defaults(handler=_replay)


def _erase_shops(options: argparse.Namespace) -> int:
    from plugin.jobs import logs
    from plugin.migrations.tables import tables_of_shops
    from plugin.privacy import shop_erasing

    logs.set_up()
    with _owner() as owner:
        print(f"Shops erased: {shop_erasing.erase_due(owner, tables_of_shops())}.")
    return 0


def _list(options: argparse.Namespace) -> int:
    from plugin.privacy import replaying

    since = options.since if options.since.tzinfo else options.since.replace(tzinfo=UTC)
    with _owner() as owner:
        for line in replaying.erased_since(owner, since):
            print(line)
    return 0


def _replay(options: argparse.Namespace) -> int:
    from plugin.errors import Invalid
    from plugin.privacy import bodies, completing, replaying
    from plugin.sync import erasing

    with _owner() as owner, options.list as lines:
        try:
            opened = replaying.replay(owner, filter(str.strip, lines))
        except Invalid as error:
            raise LocalError(str(error)) from error
    if not os.environ.get("DATABASE_URL"):
        print(
            f"Requests opened: {opened}. Set DATABASE_URL too and repeat, so that people are erased before work begins."
        )
        return 1
    bodies.use(erasing)
    completing.complete_due()
    print(f"Requests worked off: {opened}. Shops among them are erased by `regulars privacy erase-shops`.")
    return 0


@contextmanager
def _owner() -> Iterator[Engine]:
    url = os.environ.get("DATABASE_OWNER_URL")
    if not url:
        raise LocalError("DATABASE_OWNER_URL is not set: this is done as the owner of the tables.")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), hide_parameters=True)
    try:
        yield engine
    finally:
        engine.dispose()
        sys.stdout.flush()
