"""Redeeming for a customer, who asked by phone or at the counter; and taking an unused reward back."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui.customers import words
from admin_ui.forms import PanelForm, WholeField, said
from admin_ui.panel import actor, desk, done, page
from admin_ui.rewards import words as kinds
from plugin.commerce import queries as commerce
from plugin.errors import Invalid, NotFound, Refused
from plugin.loyalty import offers, queries
from plugin.storefront import buying

rewards = Blueprint("customer_rewards", __name__, url_prefix="/customers/<int:customer_id>/rewards")
Answer = str | Response | tuple[str, int]


class RedeemForm(PanelForm):
    """How many points, where the reward lets choose."""

    points = WholeField()


@rewards.get("")
def choose(customer_id: int) -> str:
    """What this customer can have."""
    with desk() as session:
        return _page(session, customer_id)


@rewards.post("")
def redeem(customer_id: int) -> Answer:
    """Redeem one for them: their points, a code of their own, mailed as when they do it themselves."""
    form = RedeemForm(request.form)
    reward_id, key = request.form.get("reward_id", 0, type=int), request.form.get("key", "")[:64]
    with desk() as session:
        commerce.customer(session, g.shop, customer_id)
        queries.reward(session, g.shop, reward_id)
        if not form.validate() or len(key) < 8:
            return _page(session, customer_id, gettext("Enter a whole number of points.")), 422
    try:
        bought = buying.buy(g.shop, customer_id, reward_id, key, form.points.data, actor())
    except (Invalid, Refused) as error:
        with desk() as session:
            return _page(session, customer_id, said(error)), 422
    if bought.state == "returned":
        return done(f"/customers/{customer_id}", gettext("Your store could not make it, and the points are back."))
    if bought.state == "reserved":
        return done(f"/customers/{customer_id}", gettext("Redeemed. The code is being made."))
    return done(f"/customers/{customer_id}", gettext("Redeemed. The customer is told by e-mail."))


@rewards.post("/<int:redemption_id>/take-back")
def take_back(customer_id: int, redemption_id: int) -> Response:
    """End an unused reward in the store, then give the points back."""
    with desk() as session:
        if queries.redemption(session, g.shop, redemption_id).customer_id != customer_id:
            raise NotFound("This redemption does not exist.")
    back = buying.give_back(g.shop, redemption_id, actor=actor())
    told = {
        "returned": gettext("Taken back. The points are there again."),
        "used": gettext("It was used meanwhile, so it stays as it is."),
        "issued": gettext("Your store did not end it. Try again in a moment."),
    }
    ending = gettext("Your store is asked to end it. The points come back then.")
    return done(f"/customers/{customer_id}", told.get(back.state, ending))


def _page(session: Session, customer_id: int, problem: str = "") -> str:
    program = queries.latest_program(session, g.shop)
    return page(
        "customers/rewards.html",
        customer=commerce.customer(session, g.shop, customer_id),
        account=queries.account(session, g.shop, customer_id, g.now),
        offers=offers.to_buy(session, g.shop, g.now),
        key=secrets.token_urlsafe(12),
        problem=problem,
        points=program.points_many if program else gettext("points"),
        words=words,
        kinds=kinds,
    )
