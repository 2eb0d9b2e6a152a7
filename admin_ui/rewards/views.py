"""Rewards: what points buy, how each stands and what it costs, and a form for each kind."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui.panel import actor, desk, done, page
from admin_ui.rewards import examples, words
from admin_ui.rewards.forms import RewardForm, of_draft, suggested
from admin_ui.rewards.goods import offer_goods
from plugin.errors import Invalid
from plugin.loyalty import offers, operations, queries
from plugin.loyalty import rewards as kept
from plugin.loyalty.models import Reward
from plugin.loyalty.terms import KINDS
from plugin.money import digits

rewards = Blueprint("rewards", __name__, url_prefix="/loyalty/rewards")
Answer = str | Response | tuple[str, int]
LIST = "/loyalty/rewards"


@rewards.get("")
def index() -> str:
    """The rewards with what they cost this month; `view=archived` for those put away."""
    archived = request.args.get("view") == "archived"
    with desk() as session:
        shown = offers.all_of(session, g.shop, g.now, archived=archived)
        month = offers.month(session, g.shop, g.now)
        total = sum(each.cost_minor for each in month.values())
        return page(
            "rewards/index.html",
            offers=shown,
            month=month,
            total=total,
            nothing=offers.Month(),
            archived=archived,
            words=words,
            points=_points(session),
        )


@rewards.get("/new")
def new() -> str:
    """The choice of a kind; then the form of the chosen one."""
    kind = request.args.get("kind", "")
    if kind not in KINDS:
        return page("rewards/kinds.html", kinds=words.kinds())
    with desk() as session:
        return _form(session, RewardForm(data=suggested(kind, 10 ** digits(g.shop.currency))), None)


@rewards.post("/new")
def add() -> Answer:
    """Keep a new reward."""
    form = RewardForm(request.form)
    with desk() as session:
        try:
            if form.validate():
                operations.add_reward(session, g.shop, actor(), form.draft())
                return done(LIST, gettext("Reward added."))
        except Invalid as error:
            form.reject(error)
        return _form(session, form, None), 422


@rewards.post("/example")
def example() -> str:
    """What the typed reward would cost; part of the form."""
    form = RewardForm(request.form)
    form.name.validators = []
    if not form.validate():
        return page("rewards/example.html", lines=[])
    with desk() as session:
        reward_id = request.args.get("reward", 0, type=int)
        lines = examples.safe(session, g.shop, form.draft(), _points(session), reward_id)
        return page("rewards/example.html", lines=lines)


@rewards.get("/<int:reward_id>")
def show(reward_id: int) -> str:
    """The form of one reward, with its versions."""
    with desk() as session:
        reward = queries.reward(session, g.shop, reward_id)
        return _form(session, RewardForm(data=of_draft(kept.draft_of(reward))), reward)


@rewards.post("/<int:reward_id>")
def change(reward_id: int) -> Answer:
    """Keep a changed reward."""
    form = RewardForm(request.form)
    with desk() as session:
        reward = queries.reward(session, g.shop, reward_id)
        version = reward.version
        try:
            if form.validate():
                operations.change_reward(session, g.shop, actor(), reward_id, form.draft())
                return done(LIST, gettext("Reward saved. Issued codes keep their value."), _undo(reward, version))
        except Invalid as error:
            form.reject(error)
        return _form(session, form, reward), 422


def _undo(reward: Reward, version: int) -> tuple[str, str] | None:
    return None if reward.version == version else (gettext("Undo"), f"{LIST}/{reward.id}/versions/{version}")


@rewards.post("/<int:reward_id>/versions/<int:version>")
def go_back(reward_id: int, version: int) -> Response:
    """Make it what it was in an earlier version."""
    with desk() as session:
        before = queries.reward(session, g.shop, reward_id).version
        reward = operations.go_back(session, g.shop, actor(), reward_id, version)
        undo = _undo(reward, before)
    message = gettext("The reward is as it was in version %(version)s.", version=version)
    return done(f"{LIST}/{reward_id}", message, undo)


@rewards.post("/<int:reward_id>/archive")
def archive(reward_id: int) -> Response:
    """Put it away; what was bought stays."""
    with desk() as session:
        operations.archive_reward(session, g.shop, actor(), reward_id)
    return done(LIST, gettext("Reward archived."), (gettext("Undo"), f"{LIST}/{reward_id}/restore"))


@rewards.post("/<int:reward_id>/restore")
def restore(reward_id: int) -> Response:
    """Bring it back."""
    with desk() as session:
        operations.archive_reward(session, g.shop, actor(), reward_id, archived=False)
    return done(LIST, gettext("Reward restored."), (gettext("Undo"), f"{LIST}/{reward_id}/archive"))


def _form(session: Session, form: RewardForm, reward: Reward | None) -> str:
    offer_goods(session, g.shop, form)
    name, sentence = words.kinds()[form.kind.data]
    offer = offers.one(session, g.shop, reward.id, g.now) if reward else None
    return page(
        "rewards/form.html",
        form=form,
        kind=form.kind.data,
        kind_name=name,
        kind_sentence=sentence,
        reward=reward,
        offer=offer,
        month=offers.month(session, g.shop, g.now).get(reward.id, offers.Month()) if reward else None,
        versions=kept.versions(session, g.shop, reward.id) if reward else (),
        words=words,
        points=_points(session),
    )


def _points(session: Session) -> str:
    program = queries.latest_program(session, g.shop)
    return program.points_many if program else gettext("points")
