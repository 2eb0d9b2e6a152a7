"""A reader of another language meets no English: every page in a made-up language whose sentences stand in brackets."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient
from msgspec import structs
from sqlalchemy import insert, select

from admin_ui.formats import reason
from plugin import clock
from plugin.campaigns import operations as campaigns
from plugin.db.engine import transaction
from plugin.effects.models import Effect
from plugin.insights import tasks
from plugin.loyalty import operations as loyalty
from plugin.loyalty.acting import profiles
from plugin.loyalty.acting.terms import Actions, Way
from plugin.loyalty.models import Tier
from plugin.loyalty.programs import TierDraft
from plugin.loyalty.replaying import running as replaying
from plugin.loyalty.replaying import saving as replays
from plugin.loyalty.tiers import granting
from plugin.loyalty.tiers.terms import TierTerms
from plugin.shops.models import Shop
from plugin.subscriptions import operations as subscriptions
from tests.admin_ui import shopfloor, splits
from tests.admin_ui.conftest import Person
from tests.admin_ui.shopfloor import BEANS

TEMPLATE = Path(__file__).resolve().parents[2] / "admin_ui/translations/messages.pot"
SPOKEN = {"alt", "aria-label", "placeholder", "title", "label"}
SAID = re.compile(r"⟦[^⟦⟧]*⟧")
WORD = re.compile(r"[A-Za-z]{3,}")
LINK = re.compile(r'href="(/(?!static|.*\.(?:csv|zip))[^"#]*)"')
CURRENCY = re.compile(r"\bEUR\b")
# Names, and subjects of mails: those are written by the merchant, who is given English ones to begin with.
DATA = {"Regulars", "You left something behind", "Still thinking about it?"}
FIELD = ("label", "match_value", "consent_text", "subject")
LADDER = (TierDraft("Друг", 5_000), TierDraft("Гість", 0, terms=TierTerms(manual=True, perks=("Чай",))))
KLUB = replace(BEANS, name="Клуб", points_one="зерно", points_many="зерна", tiers=LADDER)


class Page(HTMLParser):
    """What a person reads on a page, hears, or sees when they point at something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.silent = 0
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("script", "style", "textarea")
        self.said += [value for name, value in attributes if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style", "textarea")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.said.append(data)

    def english(self) -> list[str]:
        """Words outside of brackets."""
        bare = [_outside(part) for part in self.said]
        return [part for part in bare if WORD.search(CURRENCY.sub("", part)) and part not in DATA]


def _outside(text: str) -> str:
    while SAID.search(text):
        text = SAID.sub("", text)
    return " ".join(text.split())


@pytest.fixture
def bracketed(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    """The panel in Ukrainian, whose sentences are the English ones in brackets; dates and numbers are its own."""
    catalogue = read_po(TEMPLATE.open("rb"), locale="uk")
    for message in catalogue:
        if message.id:
            message.flags.discard("fuzzy")
            one, *several = message.id if isinstance(message.id, tuple) else (message.id,)
            message.string = tuple(f"⟦{form}⟧" for form in (one, *several * 2)) if several else f"⟦{one}⟧"
    folder = tmp_path / "uk" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
    app.extensions["babel"].translation_directories = [str(tmp_path)]
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "uk"


@pytest.fixture
def floor(shop: Shop) -> None:
    """A shop that does a bit of everything, in Cyrillic, so that Latin letters are ours."""
    with transaction(shop.id) as session:
        shopfloor.customer(session, shop, 1, "Ольга", "Петренко", email="1@2.3")
        shopfloor.order(session, shop, 1, 1, 10_000)
        field = profiles.save_field(session, shop, "staff:1", "Смак", "choice", ["Кава", "Чай"])
        actions = Actions((Way(1, "signup", 5), Way(2, "profile_field", 5, field=field.id)))
        shopfloor.launch(session, shop, replace(KLUB, document=structs.replace(KLUB.document, actions=actions)), "−5 €")
        profiles.answer(session, shop, 1, {field.id: "Кава"})
        loyalty.adjust(session, shop, 1, 5, "Дякуємо", "staff:1", "1")
        guest = session.scalars(select(Tier.id).where(Tier.shop_id == shop.id, Tier.name == "Гість")).one()
        granting.grant(session, shop, "staff:1", 1, guest, None, "Дякуємо")
        replays.start(session, shop, "staff:1", replace(KLUB, earn_points=9), clock.now(session) - timedelta(days=9))
        while replaying.step(session, shop):
            pass
        subscriptions.create_field(session, shop, **dict.fromkeys(FIELD, "Кава"), match_kind="type")
        cart = campaigns.ensure_default(session, shop)
        campaigns.turn_on(session, shop, cart.id)
        shopfloor.checkout(session, shop, "1", "1@2.3", customer_id=1)
        campaigns.follow_checkouts(session, shop, {"1"})
        odd = [{"name": "same_address", "weight": 60, "facts": {"before": 1}}]
        told = {"code": "4", "state": "in_review", "reason": "same_address", "signals": odd}
        shopfloor.referral(session, shop, 1, "4@5.6", **told)
        session.execute(insert(Effect).values(shop_id=shop.id, kind="fetch", key="1", payload={}, state="failed"))


def test_a_kept_reason_is_found_again_with_its_values(app: Flask, bracketed: None) -> None:
    with app.test_request_context(headers={"Accept-Language": "uk"}):
        assert reason("The store answered with status 503.") == "⟦The store answered with status 503.⟧"
        assert reason("TypeError") == "TypeError" and reason("") == ""


@pytest.fixture
def measured(shop: Shop, floor: None) -> None:
    """Its figures are counted, and its programme is compared with none."""
    tasks.keep_figures()
    with transaction(shop.id) as session:
        splits.hold(session, shop)
    splits.read(shop, 300)


@pytest.mark.parametrize("busy", [False, True], ids=["an empty shop", "a busy shop"])
def test_no_page_speaks_english_to_somebody_else(
    person: Person, bracketed: None, busy: bool, request: pytest.FixtureRequest
) -> None:
    if busy:
        request.getfixturevalue("measured")
    waiting, seen, english = ["/"], set(), {}
    while waiting:
        path = waiting.pop()
        seen.add(path.split("?")[0])
        text = person.open(path)
        waiting += {link for link in LINK.findall(text) if link.split("?")[0] not in seen | set(waiting)}
        if found := Page(text).english():
            english[path] = found
    assert english == {}
    assert len(seen) >= (13 if busy else 9), "the walk follows the links of the pages"
