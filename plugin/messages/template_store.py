"""Template versions: the built-in ones from files, the merchants' by digest in `templates`, each compiled once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.errors import Invalid, NotFound
from plugin.messages import renderer
from plugin.messages.models import Template
from plugin.shops.models import Shop

FOLDER: Final = Path(__file__).parent / "templates"
CART: Final = "You get this mail because you left a cart at {{ shop.name }} and agreed to hear from us."
WISH: Final = "You get this mail because you chose “{{ field.label }}” at {{ shop.name }}."
EXPIRING: Final = "You get this mail because you have {{ points_name }} at {{ shop.name }}."
REWARD: Final = "You get this mail because you redeemed points at {{ shop.name }}."
INVITED: Final = "You get this mail because this address was entered on a friend's invitation to {{ shop.name }}."
MEMBER: Final = "You get this mail because you are a member of {{ program }} at {{ shop.name }}."
SHARED: Final = "You get this mail because you shared your link of {{ shop.name }}."
# name → subject, preheader, why the person gets it
BUILT_IN: Final = {
    "cart_1": ("You left something behind", "Your cart is saved. It takes one click to go on.", CART),
    "cart_2": ("Still thinking about it?", "We kept your cart for you a little longer.", CART),
    "announcement": ("{{ product.title }}", "{{ product.title }} has just arrived.", WISH),
    "points_expiring": (
        "{{ points | number }} {{ points_name }} are about to expire",
        "You can spend them until {{ expires_on | date: 'long' }}.",
        EXPIRING,
    ),
    "points_earned": (
        "{{ points | number }} {{ points_name }} for you",
        "{% if order != '' %}With order {{ order }}. {% endif %}What they buy, and from when.",
        MEMBER,
    ),
    "reward_ready": ("A reward is within reach", "You have enough {{ points_name }} for: {{ reward }}", MEMBER),
    "points_taken": (
        "{{ points | number }} {{ points_name }} were taken back",
        "Why, and what you have now.",
        MEMBER,
    ),
    "reward": ("Your code: {{ code }}", "{{ reward_title }}: your personal code is inside.", REWARD),
    "referral_welcome": ("Your welcome code: {{ code }}", "A friend invited you. Your code is inside.", INVITED),
    "referral_reward": ("{{ points }} {{ points_name }} for inviting a friend", "Your friend has bought.", SHARED),
    "tier_up": ("You are {{ tier }} now", "What is new for you in {{ program }}.", MEMBER),
    "tier_risk": ("Stay {{ tier }}", "Until {{ falls_at | date: 'long' }} you can keep it.", MEMBER),
}


@dataclass(frozen=True)
class Source:
    """What a template is written as: three Liquid texts and one MJML document with Liquid in it."""

    subject: str
    preheader: str
    mjml: str
    text: str

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the four parts."""
        parts = "\0".join((self.subject, self.preheader, self.mjml, self.text))
        return hashlib.sha256(parts.encode()).hexdigest()


@dataclass(frozen=True)
class Compiled:
    """What rendering needs: the three texts, and the MJML as an HTML page, all still Liquid."""

    digest: str
    subject: str
    preheader: str
    html: str
    text: str


@cache
def built_in(name: str) -> Source:
    """A template that comes with the product. Raises NotFound."""
    if name not in BUILT_IN:
        raise NotFound("There is no template named %(name)s.", name=name[:40])
    subject, preheader, why = BUILT_IN[name]
    body = _file(f"{name}.mjml").replace("<!-- lines -->", _file("lines.mjml"))
    mjml = _file("shell.mjml").replace("<!-- body -->", body).replace("<!-- why -->", why)
    return Source(subject, preheader, mjml, _file(f"{name}.txt"))


def _file(name: str) -> str:
    return (FOLDER / name).read_text("utf-8").rstrip("\n")


@cache
def compiled_built_in(name: str) -> Compiled:
    """A built-in template, compiled once a process."""
    return _compiled(built_in(name), renderer.compile_mjml(built_in(name).mjml))


def keep(session: Session, shop: Shop, source: Source, sample: Mapping[str, Any], way_out: bool = True) -> str:
    """Compile a template, try it on `sample`, and keep it; its digest. `way_out`: it needs a link to unsubscribe.

    Raises Invalid(part) in the merchant's words, part being subject, preheader, mjml or text.
    """
    if session.get(Template, (shop.id, source.digest)) is None:
        if way_out:
            _require_way_out(source)
        html = renderer.compile_template(source.subject, source.preheader, source.mjml, source.text)
        tried = renderer.render_all({"tried": _compiled(source, html)}, [renderer.Job("tried", sample)])[0]
        if isinstance(tried, Invalid):
            raise tried
        row = {"shop_id": shop.id, "digest": source.digest, "html": html, "created_at": clock.now(session)}
        texts = {"subject": source.subject, "preheader": source.preheader, "mjml": source.mjml, "text": source.text}
        session.execute(insert(Template).values({**row, **texts}).on_conflict_do_nothing())
    return source.digest


def _require_way_out(source: Source) -> None:
    for part, text in (("mjml", source.mjml), ("text", source.text)):
        if "unsubscribe_url" not in text:
            raise Invalid("This mail needs a link to unsubscribe: put {{ unsubscribe_url }} into it.", part)


def compiled(session: Session, shop: Shop, wanted: Iterable[Mapping[str, Any]]) -> dict[str, Compiled]:
    """The templates named by messages, by `name_of`; what is not there any more is left out."""
    named = list(wanted)
    digests = {each["digest"] for each in named if "digest" in each}
    kept = session.scalars(select(Template).where(Template.shop_id == shop.id, Template.digest.in_(digests)))
    found = {row.digest: Compiled(row.digest, row.subject, row.preheader, row.html, row.text) for row in kept}
    names = {each.get("name") for each in named if "digest" not in each}
    return found | {name: compiled_built_in(name) for name in names if name in BUILT_IN}


def name_of(template: Mapping[str, Any]) -> str:
    """The key under which `compiled` returns a message's template."""
    return template.get("digest") or template.get("name") or ""


def _compiled(source: Source, html: str) -> Compiled:
    return Compiled(source.digest, source.subject, source.preheader, html, source.text)
