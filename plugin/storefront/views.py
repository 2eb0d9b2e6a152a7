"""The app proxy: what the store's pages ask us, signed by the platform.

JSON for the script, a small page for a form without one. Nothing personal may be kept by a cache.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from flask_babel import format_decimal, get_locale, gettext
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from plugin import clock
from plugin.db.engine import transaction
from plugin.errors import Invalid, RegularsError
from plugin.loyalty import offers, queries
from plugin.loyalty.joining import saying
from plugin.loyalty.models import Redemption
from plugin.storefront import answers, buying, histories, invitations, limits, reasons
from plugin.storefront.asked import back, client, number, points, request_key, wants_json
from plugin.storefront.profiles import profiles
from plugin.storefront.visitors import admit, check_token, customer_id, visitor, write_token
from plugin.subscriptions import operations as subscriptions
from plugin.subscriptions import queries as wishes

storefront = Blueprint("storefront", __name__, url_prefix="/proxy", template_folder="templates")
storefront.before_request(admit)
storefront.register_blueprint(invitations.invitations)
storefront.register_blueprint(profiles)
storefront.add_app_template_filter(format_decimal, "as_number")
storefront.add_app_template_filter(reasons.money, "as_money")
storefront.add_app_template_filter(reasons.day_of, "as_day")
storefront.context_processor(lambda: {"reasons": reasons})
storefront.context_processor(lambda: {"locale_tag": str(get_locale() or "en").replace("_", "-")})


@storefront.get("/program")
def program() -> Response:
    """Names and rates, the same for everybody, so caches may keep it for a minute."""
    with transaction(visitor().shop.id) as session:
        rules = queries.program(session, visitor().shop, clock.now(session))
    answer = jsonify(program=answers.program(rules))
    answer.headers["Cache-Control"] = "public, max-age=60"
    return answer


@storefront.get("/loyalty")
def loyalty_state() -> Response:
    """Balance, tier, rewards and history of whoever is signed in."""
    limits.allow("read", 120, visitor().shop.id, visitor().customer_id or client())
    with transaction(visitor().shop.id) as session:
        state = answers.loyalty_of(session, visitor().shop, visitor().customer_id)
        state["referral"] = _referral(session)
    return jsonify(state | {"token": write_token()})


@storefront.get("/loyalty/history")
def history() -> Response:
    """Older movements of the signed-in customer: those before the id `before`."""
    limits.allow("read", 120, visitor().shop.id, customer_id())
    before = number("before", request.args)
    with transaction(visitor().shop.id) as session:
        now = clock.now(session)
        return jsonify(histories.page(session, visitor().shop, customer_id(), now, before))


@storefront.post("/loyalty/membership")
def membership() -> Response:
    """Join the programme (`member` 1) or leave it (0); points that are there stay."""
    shop, customer, joins = visitor().shop, customer_id(), request.form.get("member", "")
    check_token(request.form.get("token", ""))
    limits.allow("membership", 10, shop.id, customer)
    if joins not in ("0", "1"):
        raise Invalid("Something is missing in this request. Load the page again.", "member")
    with transaction(shop.id) as session:
        saying.say(session, shop, customer, joins == "1", "storefront", "shopper")
    return jsonify(member=joins == "1") if wants_json() else points_page()


def _referral(session: Session) -> dict[str, Any] | None:
    program = queries.program(session, visitor().shop, clock.now(session))
    return invitations.own(session, visitor(), program)


@storefront.post("/loyalty/redeem")
def redeem() -> tuple[Response, int]:
    """Buy a reward: 200 with its code, or 202 when the store takes longer than three seconds."""
    shop, customer = visitor().shop, customer_id()
    check_token(request.form.get("token", ""))
    limits.allow("redeem", 10, shop.id, customer)
    bought = buying.buy(shop, customer, number("reward_id"), request_key(), points())
    return jsonify(_code(bought)), 202 if bought.state == "reserved" else 200


@storefront.post("/loyalty/redemptions/<int:redemption_id>/return")
def give_back(redemption_id: int) -> tuple[Response, int]:
    """Give an unused reward back: 200 with the points returned, 202 when the store takes longer to end the code."""
    shop, customer = visitor().shop, customer_id()
    check_token(request.form.get("token", ""))
    limits.allow("redeem", 10, shop.id, customer)
    returned = buying.give_back(shop, redemption_id, customer)
    return jsonify(_code(returned)), 202 if returned.state == "ending" else 200


def _code(redemption: Redemption) -> dict[str, Any]:
    with transaction(visitor().shop.id) as session:
        bought = offers.of(session, visitor().shop, {redemption.reward_id})
    return answers.code(redemption, bought.get(redemption.reward_id))


@storefront.get("/loyalty/redemptions/<int:redemption_id>")
def redemption(redemption_id: int) -> Response:
    """One redemption of the signed-in customer; 404 for anybody else's."""
    customer = customer_id()
    with transaction(visitor().shop.id) as session:
        found = queries.redemption(session, visitor().shop, redemption_id, customer)
    return jsonify(_code(found))


@storefront.get("/subscriptions")
def fields() -> Response:
    """The subscription fields of a product."""
    with transaction(visitor().shop.id) as session:
        product_id = number("product_id", request.args)
        offered = answers.fields(session, visitor().shop, product_id, visitor().customer_id)
    return jsonify(fields=offered)


@storefront.post("/subscriptions")
def subscribe() -> Response | str:
    """One person's wish, with the sentence that stood beside the button."""
    shop, email = visitor().shop, request.form.get("email", "").strip()[:254] or None
    limits.allow("subscribe", 10, shop.id, client())
    with transaction(shop.id) as session:
        field = wishes.field(session, shop, number("field_id"))
        subscriptions.subscribe(
            session,
            shop,
            field.id,
            email=email,
            customer_id=None if email else visitor().customer_id,
            words=field.consent_text,
            source="storefront",
            locale=request.form.get("locale", "en")[:10],
        )
        label = field.label
    if wants_json():
        return jsonify(subscribed=True)
    return render_template("storefront/subscribed.html", shop=shop, label=label, back=back())


@storefront.get("/points")
def points_page() -> Response:
    """Everything of the widget as a page of the theme; works without script."""
    shop, before = visitor().shop, number("before", request.args) if "before" in request.args else None
    limits.allow("read", 120, shop.id, visitor().customer_id or client())
    with transaction(shop.id) as session:
        state = answers.loyalty_of(session, shop, visitor().customer_id, before)
        state["referral"] = _referral(session)
    here = {"state": state, "token": write_token(), "key": uuid.uuid4().hex, "path": visitor().proxy_path}
    return invitations.themed("points", **here)


@storefront.post("/points/return")
def return_on_page() -> Response:
    """Giving a reward back without script: the page with the points."""
    shop, customer = visitor().shop, customer_id()
    check_token(request.form.get("token", ""))
    limits.allow("redeem", 10, shop.id, customer)
    buying.give_back(shop, number("redemption_id"), customer)
    return points_page()


@storefront.post("/points")
def redeem_on_page() -> str:
    """Buying a reward without script: the code as a page."""
    shop, customer = visitor().shop, customer_id()
    check_token(request.form.get("token", ""))
    limits.allow("redeem", 10, shop.id, customer)
    bought = buying.buy(shop, customer, number("reward_id"), request_key(), points())
    return render_template("storefront/redeemed.html", shop=shop, code=_code(bought), back=back())


@storefront.after_request
def never_cached(response: Response) -> Response:
    """Personal by default; only what says otherwise may be kept."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@storefront.errorhandler(RegularsError)
def refused(error: RegularsError) -> tuple[Response | str, int]:
    """A no, as data for the script or as a page."""
    said = error.words(gettext, format_decimal)
    if wants_json():
        told = {"code": type(error).__name__, "message": said, "field": getattr(error, "field", "")}
        return jsonify(error=told), error.status
    return render_template("storefront/refused.html", message=said, back=back()), error.status


@storefront.errorhandler(HTTPException)
def http_error(error: HTTPException) -> tuple[Response, int]:
    """Wrong addresses and bodies, in the same shape."""
    return jsonify(error={"code": error.name, "message": error.description, "field": ""}), error.code or 500
