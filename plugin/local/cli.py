"""The `regulars` command: its words, and which function each of them calls."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from typing import TypeAlias

from plugin.local import ledger, money, privacy
from plugin.local.errors import LocalError

Handler = Callable[[argparse.Namespace], int]
Words: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def run(arguments: Sequence[str], wire: Callable[[], None] | None = None) -> int:
    """Does what the words say; the exit status. A problem of the machine is one sentence on standard error.

    `wire` makes this process what a worker is, for the commands that do a worker's work.
    """
    options = _parser().parse_args(arguments)
    options.wire = wire or (lambda: None)
    handler: Handler = options.handler
    try:
        return handler(options)
    except LocalError as error:
        sentence = str(error)
    except OSError as error:
        sentence = _full_disk(error)
    print(sentence, file=sys.stderr)
    return 1


def _full_disk(error: OSError) -> str:
    if error.errno != errno.ENOSPC:
        raise error
    place = f" ({error.filename})" if error.filename else ""
    return f"The disk is full{place}: free some space, or set REGULARS_HOME to another disk."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="regulars", description="A CRM plugin for Shopify-style stores")
    words = parser.add_subparsers(required=True, metavar="command")
    demo = _word(words, "demo", "run the product with a store to try it on", _demo)
    demo.add_argument("--reset", action="store_true", help="begin with an empty database and a fresh store")
    demo.add_argument("--customers", type=int, default=2000, help="how many customers a fresh store has")
    demo.add_argument("--reload", action="store_true", help="restart processes when a file changes")
    _word(words, "migrate", "bring the database to the newest schema (release)", _migrate)
    keys = _group(words, "keys", "about the keys that secrets are encrypted with")
    _word(keys, "rotate", "encrypt what is stored with the first of ENCRYPTION_KEYS", _rotate_keys)
    inbox = _group(words, "inbox", "about the webhooks that came in")
    replay = _word(inbox, "replay", "apply a webhook again, whatever became of it", _replay)
    replay.add_argument("id", type=int, help="the number of its row in `inbox`, as logs name it (inbox_id)")
    replay.add_argument("--shop", help="the shop's domain, should several shops have a row of this number")
    shop = _group(words, "shop", "about one shop")
    reconcile = _word(shop, "reconcile", "compare the mirror with the store now, and heal what differs", _reconcile)
    reconcile.add_argument("domain", help="the shop's myshopify domain")
    reconcile.add_argument("--object", choices=("customers", "products", "orders", "checkouts", "webhooks"))
    worker = _group(words, "worker", "about the workers of this machine")
    _word(worker, "alive", "whether they finished a task lately: exit status 1 asks for a restart", _worker_alive)
    ledger.add_words(words.add_parser("ledger", help="whether the points of a shop add up, and all of them as a file"))
    money.add_words(words.add_parser("money", help="whether the figures of points are the ledger's"))
    privacy.add_words(words.add_parser("privacy", help="what the owner of the database does about personal data"))
    _word(words, "doctor", "check the settings and connections of this installation", _doctor)
    frontend = _word(words, "frontend", "install the front-end packages the pages load", _frontend)
    frontend.add_argument("--development", action="store_true", help="also what only tests need")
    frontend.add_argument("--lock", action="store_true", help="resolve the versions anew")
    _word(words, "chromium", "find or install the browser of the tests and print its path", _chromium)
    return parser


def _group(words: Words, name: str, text: str) -> Words:
    group = words.add_parser(name, help=text, description=text[0].upper() + text[1:])
    return group.add_subparsers(required=True, metavar="command")


def _word(words: Words, name: str, text: str, handler: Handler) -> argparse.ArgumentParser:
    parser = words.add_parser(name, help=text, description=text[0].upper() + text[1:])
    parser.set_defaults(handler=handler)
    return parser


def _demo(options: argparse.Namespace) -> int:
    from plugin.local import demo
    from plugin.local.home import Home

    demo.demo(Home.from_env(os.environ), reset=options.reset, customers=options.customers, reload=options.reload)
    return 0


def _migrate(options: argparse.Namespace) -> int:
    from plugin.migrations.run import upgrade

    url = os.environ.get("DATABASE_OWNER_URL")
    if not url:
        raise LocalError("DATABASE_OWNER_URL is not set: migrations run as the owner of the tables.")
    upgrade(url)
    return 0


def _rotate_keys(options: argparse.Namespace) -> int:
    _settled()
    from plugin.privacy import keys
    from plugin.shops import tokens

    print(f"Encrypted anew: the tokens of {tokens.rotate_keys()} shops and {keys.rotate_keys()} contacts.")
    return 0


def _replay(options: argparse.Namespace) -> int:
    _settled()
    from plugin.errors import RegularsError
    from plugin.jobs.celery import make_celery
    from plugin.sync import retrying

    make_celery().set_default()
    try:
        row = retrying.replay(options.id, options.shop)
    except RegularsError as error:
        raise LocalError(str(error)) from error
    print(f"{row.topic} of {row.domain} was {row.state} and is in line again. A worker applies it within seconds.")
    return 0


def _reconcile(options: argparse.Namespace) -> int:
    _settled()
    options.wire()
    from plugin.local import reconciling

    kinds = (options.object,) if options.object else reconciling.OBJECTS
    for line in reconciling.reconcile(options.domain, kinds):
        print(line)
    return 0


def _settled() -> None:
    """The settings of this installation, or those of the demo that runs here."""
    from plugin.local import running

    running.settle(os.environ)


def _worker_alive(options: argparse.Namespace) -> int:
    from plugin.watching import life

    alive, sentence = life.probe()
    print(sentence)
    return 0 if alive else 1


def _doctor(options: argparse.Namespace) -> int:
    from plugin.doctor import run as doctor

    return doctor.run(os.environ)


def _frontend(options: argparse.Namespace) -> int:
    from plugin.local import frontend

    if options.lock:
        frontend.lock()
    frontend.ensure(options.development)
    return 0


def _chromium(options: argparse.Namespace) -> int:
    from plugin.local import chromium

    print(chromium.find_or_install())
    return 0
