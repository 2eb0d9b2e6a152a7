"""Two shops that sell the same things to namesakes: the first one's are called Zebra, and no word of it may leave it.

`Tenants.named("customer")` is the first shop's own, `.nowhere("customer")` exists in no shop. What is the other shop's
is called `own_...`. A new kind of thing is one line in `_things`.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from msgspec import structs
from sqlalchemy import Engine, insert, text, update
from sqlalchemy.orm import Session

from admin_ui import listing
from admin_ui.campaigns import previews
from plugin import clock
from plugin.campaigns import operations as campaigns
from plugin.campaigns.models import Enrollment
from plugin.crypto import secrets
from plugin.db import engine as db
from plugin.effects import operations as effects
from plugin.effects.models import Effect
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries as loyalty_queries
from plugin.loyalty.acting import profiles
from plugin.loyalty.acting.terms import Actions, Way
from plugin.loyalty.expiry import changing
from plugin.loyalty.importing import preparing
from plugin.loyalty.models import PointEntry, Reward, Tier
from plugin.loyalty.programs import draft_of
from plugin.loyalty.replaying import running as replaying
from plugin.loyalty.replaying import saving as replays
from plugin.loyalty.tiers import granting
from plugin.messages import letters
from plugin.messages import operations as messages
from plugin.migrations.tables import metadata
from plugin.privacy import exporting
from plugin.privacy import operations as privacy
from plugin.privacy.models import PrivacyRequest
from plugin.shops.models import Shop
from plugin.subscriptions import operations as subscriptions
from plugin.sync.models import Inbox, SyncRun
from plugin.sync.operations import start_backfill
from tests.admin_ui import shopfloor
from tests.conftest import DOMAIN, OTHER_DOMAIN, make_shop

FIRST_NUMBER = 770_000_001  # where the first shop's rows begin to count, so that its ids are nobody else's digits
NOWHERE = 990_000_001
WORD = "zebra"


class Tenants:
    """The first shop and the other one, furnished alike."""

    def __init__(self, owner: Engine) -> None:
        self.owner = owner
        self.other = make_shop(owner, DOMAIN, store_id=548380009)
        self.own = furnish(self.other, "Sparrow", 8_800_000)
        with owner.begin() as connection:
            connection.execute(text(COUNT_FROM), {"first": FIRST_NUMBER})
        self.first = make_shop(owner, OTHER_DOMAIN, store_id=548380010, email="zebra@example.com")
        self.theirs = furnish(self.first, "Zebra", 7_700_000)

    def fill(self, template: Any, nowhere: bool) -> Any:
        """The template with the first shop's things in its braces, or with things of nobody."""
        if isinstance(template, str):
            return re.sub(r"\{([^{}]+)\}", lambda found: self._thing(found[1], nowhere), template)
        if isinstance(template, dict):
            return {name: self.fill(value, nowhere) for name, value in template.items()}
        return template

    def masked(self, answer: str) -> str:
        """An answer without what the asked-for id itself brings into it, and without what is random."""
        for name in self.theirs:
            answer = answer.replace(self._thing(name, False), "ID").replace(self._thing(name, True), "ID")
        return RANDOM.sub("RANDOM", answer)

    def digest(self, *shops: Shop) -> dict[str, str]:
        """Table → what its rows of these shops are, as one short text."""
        ids = ", ".join(str(shop.id) for shop in shops)
        counted = " UNION ALL ".join(
            f"SELECT '{table}', count(*) || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '')"
            f" FROM {table} t WHERE {'id' if table == 'shops' else 'shop_id'} IN ({ids})"
            for table in tenant_tables()
        )
        with self.owner.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(text(counted))}

    def _thing(self, name: str, nowhere: bool) -> str:
        if name.startswith("cursor:"):
            value, of = name.removeprefix("cursor:").split(",")
            key = self._thing(of, nowhere)
            number = int(key) if value == of else int(value) if value.isdigit() else value
            return listing.encode((number, int(key)))
        if name.startswith("own_"):
            return self.own[name.removeprefix("own_")]
        if not nowhere:
            return FORGED[name](self) if name in FORGED else self.theirs[name]
        return NOBODYS[name](self) if name in NOBODYS else str(NOWHERE)


def tenant_tables() -> list[str]:
    return ["shops", *(table.name for table in metadata.sorted_tables if "shop_id" in table.columns)]


def furnish(shop: Shop, name: str, first_id: int) -> dict[str, str]:
    """Everything a shop can have, under its own name; the ids by kind."""
    with db.transaction(shop.id) as session:
        return {kind: str(id) for kind, id in _things(session, shop, name, first_id).items()}


def _things(session: Session, shop: Shop, name: str, first_id: int) -> dict[str, int | str]:
    mail = f"{name.lower()}@example.com"
    customer, order, product = first_id + 1, first_id + 2, first_id + 3
    shopfloor.customer(session, shop, customer, name, "Finch", email=mail, spent_minor=9000, orders_count=2)
    shopfloor.launch(session, shop)
    shopfloor.order(session, shop, order, customer, 4250)
    shopfloor.product(session, shop, product, f"{name} beans", product_type=f"{name} coffee")
    entry = loyalty.adjust(session, shop, customer, 900, f"for {name}", "staff:1", f"gift-{first_id}")
    reward = session.query(Reward).filter_by(shop_id=shop.id).one()
    redemption = loyalty.redeem(session, shop, customer, reward.id, f"click-{first_id}")
    field = subscriptions.create_field(
        session,
        shop,
        label=f"{name} news",
        match_kind="type",
        match_value=f"{name} coffee",
        consent_text="c",
        subject="s",
    )
    subscriptions.subscribe(session, shop, field.id, email=mail, words="Send me", source="storefront")
    automation = campaigns.ensure_default(session, shop)
    campaigns.turn_on(session, shop, automation.id)
    shopfloor.checkout(session, shop, f"cart{first_id}", mail)
    campaigns.follow_checkouts(session, shop, {f"cart{first_id}"})
    message = messages.queue(
        session, shop, kind="test", key=f"k:{first_id}", marketing=True, email=mail, customer_id=customer,
        template="announcement", context={"field": {"label": f"{name} news"}}, scope="all",
    )  # fmt: skip
    assert message
    parked = insert(Inbox).values(
        shop_id=shop.id, webhook_id=f"{name}-parked", topic="orders/create", state="failed", error=name, body=b"{}"
    )
    inbox = session.execute(parked.returning(Inbox.id)).scalar_one()
    effect = effects.record(session, shop.id, "fetch", f"{name}:1", {"object": "orders", "id": name})
    session.execute(update(Effect).where(Effect.id == effect).values(state="failed", error=name))
    start_backfill(session, shop)
    failed = update(SyncRun).where(SyncRun.shop_id == shop.id, SyncRun.object == "orders").values(state="failed")
    imported = session.execute(failed.returning(SyncRun.id)).scalar_one()
    about = {"customer": {"id": customer, "email": mail}, "data_request": {"id": first_id}}
    privacy.record_request(session, shop, "customers/data_request", about, clock.now(session))
    export = {"data": {"customers": [{"name": name}]}}
    kept = {"state": "ready", "export": exporting.sealed(shop.id, json.dumps(export))}
    kept["export_until"] = clock.now(session) + timedelta(days=9)
    request = update(PrivacyRequest).where(PrivacyRequest.shop_id == shop.id).values(kept)
    tier = session.query(Tier).filter_by(shop_id=shop.id).order_by(Tier.position.desc()).first()
    assert tier
    grant = granting.grant(session, shop, "staff:1", customer, tier.origin or tier.id, None, f"for {name}")
    referral = shopfloor.referral(session, shop, customer, f"friend.{mail}")
    tried = replays.start(session, shop, "staff:1", shopfloor.BEANS, clock.now(session) - timedelta(days=9), name)
    while replaying.step(session, shop):
        pass
    asked = profiles.save_field(session, shop, "staff:1", f"{name} roast", "text", [])
    profiles.answer(session, shop, customer, {asked.id: name})
    latest = loyalty_queries.latest_program(session, shop)
    assert latest is not None
    ways = structs.replace(latest.document, actions=Actions((Way(first_id + 9, "signup", 5),)))
    loyalty.save_program(session, shop, "staff:1", replace(draft_of(latest), document=ways))
    ends = int((clock.machine_now() + timedelta(hours=1)).timestamp())
    file = f"customer,points\n{mail},7\n".encode()
    return {
        "points_import": preparing.prepare(session, shop, f"{name}.csv", file, "never", "staff:1").id,
        "expiry_change": changing.extend(session, shop, 5, f"for {name}", "staff:1", customer).id,
        "way": first_id + 9,
        "profile_field": asked.id,
        "customer": customer,
        "order": order,
        "product": product,
        "entry": entry,
        "reward": reward.id,
        "tier": tier.origin or tier.id,
        "grant": grant.id,
        "redemption": redemption.id,
        "field": field.id,
        "automation": automation.id,
        "enrollment": session.query(Enrollment.id).filter_by(shop_id=shop.id).scalar() or 0,
        "message": message,
        "type": f"{name} coffee",
        "inbox": inbox,
        "import": imported,
        "effect": effect,
        "privacy": session.execute(request.returning(PrivacyRequest.id)).scalar_one(),
        "adjustment": session.query(PointEntry.id).filter_by(shop_id=shop.id, id=entry).scalar() or 0,
        "token": secrets.sign("storefront", shop.id, customer, ends),
        "ticket": previews.ticket(shop.id),
        "referral": referral.id,
        "replay": tried.id,
        "invitation": referral.link_code,
        "link": letters.unsubscribe_url(shop, message).rpartition("/")[2],
    }


def _forged(tenants: Tenants, kind: str) -> str:
    """What the first shop's token says, under the signature of the other's."""
    return tenants.theirs[kind].rpartition(".")[0] + "." + tenants.own[kind].rpartition(".")[2]


# What a stranger could make of the first shop's: signed for another shop, or with another's signature.
FORGED: dict[str, Any] = {
    "link": lambda tenants: secrets.sign(letters.PURPOSE, tenants.other.id, tenants.theirs["message"]),
    "forged_link": lambda tenants: _forged(tenants, "link"),
    "forged_ticket": lambda tenants: _forged(tenants, "ticket"),
}
NOBODYS: dict[str, Any] = {
    "link": lambda tenants: secrets.sign(letters.PURPOSE, tenants.other.id, NOWHERE),
    "forged_link": lambda tenants: "bm9ib2R5.bm9ib2R5",
    "forged_ticket": lambda tenants: "bm9ib2R5.bm9ib2R5",
    "token": lambda tenants: "bm9ib2R5.bm9ib2R5",
    "ticket": lambda tenants: "bm9ib2R5.bm9ib2R5",
}
RANDOM = re.compile(
    r"(?<=nonce[=-][\"'])[\w-]+|(?<=nonce-)[\w-]+|(?<=name=\"key\" value=\")[\w-]+|(?<=\"token\":\")[\w.-]+"
    r"|(?<=<time )[^>]+|(?<=name=\"token\" value=\")[\w.-]+|(?<=name=\"request_key\" value=\")[\w-]+"
)
COUNT_FROM = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, :first, false)
    FROM pg_sequences WHERE schemaname = 'public'
"""
