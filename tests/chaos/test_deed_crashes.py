"""For everything a worker does besides draining: crash at a statement, recover, and all is as without (T13).

Effects of each kind, mails, sweeps and a redemption at the storefront's door. Outside is a store over HTTP and a mail
server; what must be there once is there once. By default every nineteenth statement; `-m long` takes them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from itertools import cycle, product
from typing import Any

import pytest
from sqlalchemy import Engine, text

from plugin.db import engine as db
from plugin.effects import operations as effects
from plugin.jobs.schedule import BEAT
from plugin.loyalty import operations as loyalty
from plugin.messages import operations as messages
from plugin.performers import PERFORMERS
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.storefront import buying
from plugin.sync import drain as draining
from tests.chaos import graph, topics
from tests.chaos.crashing import How, Killed, Points, crashing, dropped, killed
from tests.chaos.ground import LOST, NOW
from tests.chaos.scene import Scene, Step, staged
from tests.chaos.tables import Kept, Picture, differences, picture, without_versions
from tests.plugin.sync.deliveries import deliver

EVERY = 19
ROUNDS = 6  # of recovery, at most
BUYER = 501
# Notes about how a destination answered, signs of life, and what a crash makes another process ask for.
NOT_COMPARED = {"breakers", "shared_breakers", "pulses"}


@pytest.fixture(scope="module")
def scene(owner: Engine) -> Iterator[Scene]:
    with staged(owner) as scene:
        yield scene


def inside(work: Callable[[Any, Shop], object]) -> Step:
    """Something done in one transaction of the shop."""

    def step(scene: Scene) -> None:
        with db.transaction(scene.shop.id) as session:
            work(session, shops.shop(session))

    return step


def reward_of(scene: Scene) -> int:
    with scene.owner.connect() as connection:
        query = text("SELECT id FROM rewards WHERE shop_id = :shop")
        return int(connection.execute(query, {"shop": scene.shop.id}).scalar_one())


def redeemed(scene: Scene) -> None:
    with db.transaction(scene.shop.id) as session:
        loyalty.redeem(session, shops.shop(session), BUYER, reward_of(scene), "one-click")


def returned(scene: Scene) -> None:
    """A reward whose code was made is given back, so the code must end."""
    redeemed(scene)
    scene.tasks["effects.perform_due"]()
    with db.transaction(scene.shop.id) as session:
        mine = shops.shop(session)
        redemption = loyalty.redeem(session, mine, BUYER, reward_of(scene), "one-click")
        loyalty.return_redemption(session, mine, redemption.id, "staff:1", "changed their mind")


def queued(marketing: bool) -> Step:
    def queue(session: Any, shop: Shop) -> None:
        told = {"reward_title": "5 off", "code": "BEANS-ONE", "points": 50, "value_minor": 500, "currency": "EUR"}
        more = {"minimum_minor": None, "expires_at": "2027-01-01T00:00:00+00:00", "url": "https://shop.example/"}
        for id in (501, 502):
            messages.queue(
                session,
                shop,
                kind="reward",
                key=f"reward:{id}",
                marketing=marketing,
                email=f"person{id}@example.com",
                customer_id=id,
                template="reward",
                context=told | more,
            )

    return inside(queue)


def history_waits(scene: Scene) -> None:
    """Past orders that nobody has settled yet, as after a launch."""
    with scene.owner.begin() as connection:
        for table in ("point_entries", "point_lots"):
            connection.execute(text(f"DELETE FROM {table} WHERE shop_id = :shop"), {"shop": scene.shop.id})
        connection.execute(text("UPDATE point_accounts SET available = 0, tier_id = NULL, tier_spend_minor = 0"))
        connection.execute(text("UPDATE programs SET history_after = 0"))


def carts_are_due(scene: Scene) -> None:
    """The cart left behind yesterday is to be written to now; it was dated in November already."""
    with scene.owner.begin() as connection:
        connection.execute(text("UPDATE enrollments SET wake_at = :now"), {"now": NOW - timedelta(minutes=1)})


def bodies_are_old(scene: Scene) -> None:
    with scene.owner.begin() as connection:
        connection.execute(text("UPDATE inbox SET received_at = received_at - interval '100 days'"))
        connection.execute(text("UPDATE inbox SET done_at = done_at - interval '100 days'"))


def tokens_are_old(scene: Scene) -> None:
    with scene.owner.begin() as connection:
        connection.execute(text("UPDATE shops SET refresh_expires_at = now() + interval '20 days'"))
        connection.execute(text("UPDATE shops SET access_expires_at = now() WHERE access_token IS NOT NULL"))


def asked(topic: str) -> Step:
    """A request about personal data has come in."""

    def step(scene: Scene) -> None:
        [body] = topics.TOLD[topic](scene.shop)
        deliver(scene.owner, scene.shop, topic, body, id="asked")
        draining.drain(scene.shop.id)

    return step


def effect(kind: str, key: str, payload: dict[str, Any]) -> Step:
    return inside(lambda session, shop: effects.record(session, shop.id, kind, key, payload))


def task(name: str) -> Step:
    return lambda scene: scene.tasks[name]()


def bought(scene: Scene) -> None:
    with db.transaction(scene.shop.id) as session:
        shop = shops.shop(session)
    buying.buy(shop, BUYER, reward_of(scene), "one-click")


def given_on(scene: Scene) -> None:
    """A code that the store has made for somebody else is told its new owner."""
    made = {"gid": graph.gid("DiscountCodeNode", 1), "customer": 502, "others": [], "ended": False}
    scene.world.codes.setdefault("BEANS-TWO", made)
    PERFORM(scene)
    assert set(scene.world.codes["BEANS-TWO"]["others"]) <= {BUYER}


CONSENT = {"customer_id": 501, "state": "SUBSCRIBED", "at": "2026-11-21T10:00:00+00:00"}
PERFORM = task("effects.perform_due")

DEEDS: dict[str, tuple[Step, Step]] = {
    "discount_code": (redeemed, PERFORM),
    "discount_code_end": (returned, PERFORM),
    "discount_code_owner": (
        effect("discount_code_owner", "1:501", {"code": "BEANS-TWO", "customer_id": 501}),
        given_on,
    ),
    "fetch": (effect("fetch", "customers:509", {"object": "customers", "id": 509}), PERFORM),
    "email_consent": (effect("email_consent", "501:1", CONSENT), PERFORM),
    "theme_data": (task("storefront.publish"), PERFORM),
    "a redemption at the door": (lambda scene: None, bought),
    "service mails": (queued(marketing=False), task("messages.send_due")),
    "marketing mails": (queued(marketing=True), task("messages.send_due")),
    "carts": (carts_are_due, task("campaigns.wake_due")),
    "past orders": (history_waits, task("loyalty.settle_due")),
    "what themes are told": (lambda scene: None, task("storefront.publish")),
    "an export": (asked("customers/data_request"), task("privacy.complete_due")),
    "an erasure": (asked("customers/redact"), task("privacy.complete_due")),
    "old bodies": (bodies_are_old, task("sync.retain")),
    "tokens": (tokens_are_old, task("shops.refresh_idle")),
}
# Driven elsewhere statement by statement or line by line: inboxes in test_statement_crashes.py, imports in
# tests/plugin/sync/test_backfill_killed.py. A comparison writes nothing but effects, which are performed here.
ELSEWHERE = {"sync.drain_waiting", "sync.drive_runs", "sync.reconcile"}
# Not yet killed at each statement; docs/reliability.md says so (T13). Their own tests see them lost and repeated.
WITHOUT_DEED = frozenset(
    ("collection", "collections", "gift_card", "referral_code", "reward_end", "store_credit", "tier_mark")
)
WITHOUT_SWEEP = frozenset(("insights.keep_figures", "loyalty.keep_books", "loyalty.read_collections"))


def standing(scene: Scene) -> Picture:
    return without_versions({name: rows for name, rows in picture(scene.owner).items() if name not in NOT_COMPARED})


def clean_run(scene: Scene, kept: Kept, run: Step) -> tuple[int, Picture, Counter[Any]]:
    kept.bring_back()
    scene.forget()
    with crashing(Points()) as points:
        run(scene)
    finish(scene, run)
    return points.passed, standing(scene), Counter(scene.stores.acted)


def crashed_run(scene: Scene, kept: Kept, run: Step, point: int, how: How) -> Picture:
    kept.bring_back()
    scene.forget()
    with crashing(Points(point, how)), suppress(Killed, *LOST):
        run(scene)
    finish(scene, run)
    return standing(scene)


def finish(scene: Scene, run: Step) -> None:
    """The deed again, as the next sweep or click would, until nothing waits any more."""
    for _ in range(ROUNDS):
        scene.pass_time()
        run(scene)
        PERFORM(scene)
        draining.drain(scene.shop.id)
        scene.tasks["messages.send_due"]()
        if not scene.waits():
            return


def check(scene: Scene, name: str, choose: Callable[[int], Iterable[tuple[int, How]]]) -> None:
    prepare, run = DEEDS[name]
    scene.kept.bring_back()
    scene.forget()
    prepare(scene)
    with closing(Kept(scene.owner)) as kept:
        last, expected, acted = clean_run(scene, kept, run)
        assert last > 5 and differences(expected, {}), name
        for point, how in choose(last):
            found = crashed_run(scene, kept, run, point, how)
            where = f"{name}: {how.__name__} at {point} of {last}"
            if told := differences(but_for_fates(expected), but_for_fates(found)):
                pytest.fail("\n".join([where, *told]))
            assert scene.stores.acted == acted, where
            check_mails(scene, where)


def but_for_fates(tables: Picture) -> Picture:
    """Of messages only that they are there: what became of them is told by `check_mails`."""
    return tables | {"messages": [str(len(tables.get("messages", [])))]}


def check_mails(scene: Scene, where: str) -> None:
    """Sent once, or, for marketing, of unknown fate and sent once at most."""
    taken = Counter(mail["Message-ID"] for _, mail in scene.mails.taken())
    with scene.owner.connect() as connection:
        for row in connection.execute(text("SELECT marketing, state, message_id FROM messages")):
            if row.marketing:
                assert row.state in ("sent", "unknown") and taken[row.message_id] <= 1, where
            else:
                assert row.state == "sent", where
            assert row.state == "unknown" or taken[row.message_id], where


def test_every_kind_of_effect_has_its_deed() -> None:
    assert PERFORMERS.keys() == DEEDS.keys() & PERFORMERS.keys() | WITHOUT_DEED


def test_every_sweep_has_its_deed() -> None:
    ran: set[str] = set()

    class Tasks(dict[str, Any]):
        def __missing__(self, name: str) -> Callable[[], None]:
            ran.add(name)
            return lambda: None

    watched = Scene(None, None, None, None, None, Tasks(), None)  # type: ignore[arg-type]
    for _, run in DEEDS.values():
        if run not in (bought, given_on):
            run(watched)
    assert ran | ELSEWHERE | WITHOUT_SWEEP == {tick["task"] for tick in BEAT.values()}


@pytest.mark.parametrize("name", DEEDS)
def test_crashed_at_a_statement_all_is_as_without(scene: Scene, name: str) -> None:
    first = list(DEEDS).index(name) % EVERY
    check(scene, name, lambda last: zip(range(1 + first, last + 1, EVERY), cycle((killed, dropped)), strict=False))


@pytest.mark.long
@pytest.mark.parametrize("name", DEEDS)
def test_crashed_at_any_statement_all_is_as_without(scene: Scene, name: str) -> None:
    check(scene, name, lambda last: product(range(1, last + 1), (killed, dropped)))
