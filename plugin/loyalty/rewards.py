"""Changing what points buy. Every change is a version with its author, and none touches what was bought before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Product, Variant
from plugin.errors import Invalid, NotFound
from plugin.loyalty import queries, tallies, terms
from plugin.loyalty.models import Reward
from plugin.loyalty.reward_models import RewardVersion
from plugin.loyalty.terms import DISCOUNTS, KINDS, MONEY_KINDS, PERIODS, WHOLE, Terms
from plugin.shops import operations as shops
from plugin.shops.models import Shop

LARGEST = 10**12
MOST_POINTS = 10**9
MOST_GOODS = 100  # of products or of collections a discount is limited to


@dataclass(frozen=True)
class RewardDraft:
    """What the form says. Money in minor units of the shop's currency; a code is valid `valid_days` days."""

    name: str
    cost_points: int
    value_minor: int = 0
    minimum_minor: int = 0
    valid_days: int = 90
    active: bool = True
    kind: str = "amount_off"
    terms: Terms = field(default_factory=Terms)


def add_reward(session: Session, shop: Shop, actor: str, draft: RewardDraft) -> Reward:
    """A new reward. Raises Invalid."""
    draft = _checked(session, shop, draft)
    now = clock.now(session)
    reward = Reward(**_columns(draft), shop_id=shop.id, currency=shop.currency, created_at=now)
    session.add(reward)
    session.flush()
    _keep(session, shop, actor, reward, draft)
    shops.audit(session, shop, actor, "reward.add", f"reward:{reward.id}", None, _document(draft))
    return reward


def change_reward(session: Session, shop: Shop, actor: str, reward_id: int, draft: RewardDraft) -> Reward:
    """Change a reward; codes already bought keep what they were bought for. Raises Invalid, NotFound."""
    reward = _locked(session, shop, reward_id)
    draft = _checked(session, shop, draft)
    before = draft_of(reward)
    if before == draft:
        return reward
    for name, value in _columns(draft).items():
        setattr(reward, name, value)
    reward.version += 1
    session.flush()
    _keep(session, shop, actor, reward, draft)
    shops.audit(session, shop, actor, "reward.change", f"reward:{reward.id}", _document(before), _document(draft))
    return reward


def pause_reward(session: Session, shop: Shop, actor: str, reward_id: int, active: bool = False) -> Reward:
    """Take a reward off the list, or (`active`) put it back. Raises NotFound."""
    draft = draft_of(queries.reward(session, shop, reward_id))
    return change_reward(session, shop, actor, reward_id, replace(draft, active=active))


def archive_reward(session: Session, shop: Shop, actor: str, reward_id: int, archived: bool = True) -> Reward:
    """Put a reward away, or (`archived=False`) bring it back; what was bought stays. Raises NotFound."""
    reward = _locked(session, shop, reward_id)
    if (reward.archived_at is not None) != archived:
        reward.archived_at = clock.now(session) if archived else None
        session.flush()
        action = "reward.archive" if archived else "reward.restore"
        shops.audit(session, shop, actor, action, f"reward:{reward.id}", None, None)
    return reward


def go_back(session: Session, shop: Shop, actor: str, reward_id: int, version: int) -> Reward:
    """Make a reward what it was in an earlier version, as a new one. Raises NotFound, Invalid."""
    then = session.get(RewardVersion, (shop.id, reward_id, version))
    if then is None:
        raise NotFound("There is no such version of this reward.")
    return change_reward(session, shop, actor, reward_id, read(then.document))


def versions(session: Session, shop: Shop, reward_id: int, limit: int = 50) -> Sequence[RewardVersion]:
    """A reward's versions, newest first."""
    mine = RewardVersion.shop_id == shop.id, RewardVersion.reward_id == reward_id
    newest = select(RewardVersion).where(*mine).order_by(RewardVersion.version.desc())
    return session.scalars(newest.limit(limit)).all()


def draft_of(reward: Reward) -> RewardDraft:
    """A reward as the form would say it."""
    names = [name for name in RewardDraft.__dataclass_fields__ if name != "terms"]
    return RewardDraft(**{name: getattr(reward, name) for name in names}, terms=terms.read(reward.terms))


def read(document: dict[str, Any]) -> RewardDraft:
    """The draft that a version keeps."""
    return RewardDraft(**(document | {"terms": terms.read(document.get("terms", {}))}))


def _document(draft: RewardDraft) -> dict[str, Any]:
    return asdict(replace(draft, terms=Terms())) | {"terms": terms.written(draft.terms)}


def _columns(draft: RewardDraft) -> dict[str, Any]:
    return _document(draft)


def _locked(session: Session, shop: Shop, reward_id: int) -> Reward:
    """Two who save at once do so one after the other."""
    one = select(Reward).where(Reward.shop_id == shop.id, Reward.id == reward_id)
    found = session.scalar(one.with_for_update(key_share=True), execution_options={"populate_existing": True})
    if found is None:
        raise NotFound("This reward does not exist any more.")
    return found


def _keep(session: Session, shop: Shop, actor: str, reward: Reward, draft: RewardDraft) -> None:
    kept = {"reward_id": reward.id, "version": reward.version, "document": _document(draft), "created_by": actor}
    session.add(RewardVersion(shop_id=shop.id, created_at=clock.now(session), **kept))
    session.flush()
    tallies.limit(session, shop, reward, draft.terms)


def _checked(session: Session, shop: Shop, draft: RewardDraft) -> RewardDraft:
    """The draft without what its kind does not have, checked. Raises Invalid at the first field that is wrong."""
    if draft.kind not in KINDS:
        raise Invalid("Choose what the reward gives.", "kind")
    draft = _without_strangers(draft)
    check_reward(draft)
    if draft.kind == "free_product":
        return replace(draft, value_minor=product_price(session, shop, draft.terms))
    return draft


def _without_strangers(draft: RewardDraft) -> RewardDraft:
    said, kind = draft.terms, draft.kind
    if kind != "percent_off":
        said = msgspec.structs.replace(said, percent_bp=0)
    if kind != "free_product":
        said = msgspec.structs.replace(said, product_id=0, variant_id=0)
    if kind not in ("amount_off", "percent_off"):
        said = msgspec.structs.replace(said, products=(), collections=())
    if kind not in MONEY_KINDS:
        said = msgspec.structs.replace(said, chosen=None)
    if kind in MONEY_KINDS:
        said = msgspec.structs.replace(said, cost_minor=None)
    draft = replace(draft, terms=said, value_minor=draft.value_minor if kind in MONEY_KINDS else 0)
    return draft if kind in DISCOUNTS else replace(draft, minimum_minor=0)


def check_reward(draft: RewardDraft) -> None:
    """Raises Invalid at the first field that cannot be used."""
    if not draft.name.strip():
        raise Invalid("Enter a name.", "name")
    if not 0 < draft.cost_points <= MOST_POINTS:
        raise Invalid("Enter how many points it costs, from 1 to 1,000,000,000.", "cost_points")
    if draft.kind in MONEY_KINDS and not 0 < draft.value_minor <= LARGEST:
        raise Invalid("Enter an amount above 0.", "value_minor")
    if draft.kind == "percent_off" and not 0 < draft.terms.percent_bp <= WHOLE:
        raise Invalid("Enter a percentage above 0, at most 100.", "percent_bp")
    if draft.kind == "free_product" and not draft.terms.variant_id:
        raise Invalid("Choose the product.", "variant_id")
    if not 0 <= draft.minimum_minor <= LARGEST:
        raise Invalid("Enter an amount, 0 for none.", "minimum_minor")
    if not 1 <= draft.valid_days <= 730:
        raise Invalid("Enter between 1 and 730 days.", "valid_days")
    _check_chosen(draft)
    _check_limits(draft.terms)


def _check_chosen(draft: RewardDraft) -> None:
    chosen = draft.terms.chosen
    if chosen is None:
        return
    if not 0 < chosen.least <= MOST_POINTS:
        raise Invalid("Enter the fewest points somebody may choose, 1 or more.", "least")
    if not chosen.least <= chosen.most <= MOST_POINTS:
        raise Invalid("Enter the most points somebody may choose, not below the fewest.", "most")
    if chosen.least * draft.value_minor < draft.cost_points:
        raise Invalid("The fewest points must be worth something. Enter more.", "least")


def _check_limits(said: Terms) -> None:
    if said.per_customer is not None and not 0 < said.per_customer <= 10_000:
        raise Invalid("Enter how often, from 1 to 10,000, or leave it empty.", "per_customer")
    if said.per_period not in PERIODS:
        raise Invalid("Choose a period.", "per_period")
    if said.stock is not None and not 0 <= said.stock <= MOST_POINTS:
        raise Invalid("Enter how many there are, 0 or more, or leave it empty.", "stock")
    if said.budget_minor is not None and not 0 < said.budget_minor <= LARGEST:
        raise Invalid("Enter an amount above 0, or leave it empty.", "budget_minor")
    if said.cost_minor is not None and not 0 <= said.cost_minor <= LARGEST:
        raise Invalid("Enter an amount, 0 or more, or leave it empty.", "cost_minor")
    if said.starts_at is not None and said.ends_at is not None and said.ends_at <= said.starts_at:
        raise Invalid("Choose an end after the start.", "ends_at")
    for name in ("products", "collections"):
        if len(getattr(said, name)) > MOST_GOODS:
            raise Invalid("Choose at most %(most)s.", name, most=MOST_GOODS)


def product_price(session: Session, shop: Shop, said: Terms) -> int:
    """What the free product costs a shopper now, in minor units. Raises Invalid when it is not for sale."""
    price = (
        select(Variant.price_minor, Variant.product_id)
        .join(Product, (Product.shop_id == Variant.shop_id) & (Product.id == Variant.product_id))
        .where(Variant.shop_id == shop.id, Variant.product_id == said.product_id, Variant.id == said.variant_id)
        .where(Product.deleted_at.is_(None))
    )
    found = session.execute(price).first()
    if found is None or not found.price_minor:
        raise Invalid("This product is not for sale any more. Choose another one.", "variant_id")
    return int(found.price_minor)
