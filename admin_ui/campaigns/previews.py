"""Mails as they will look: rendered with a sample cart into a sealed frame, or sent to the person who tests.

A frame cannot carry a bearer token, so the page hands it a ticket: signed, of one shop, good for some hours. It opens
nothing but this rendering, which reads no shopper and changes nothing.
"""

from __future__ import annotations

import secrets as randomness
from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from markupsafe import escape
from sqlalchemy.orm import Session

from admin_ui.campaigns.forms import AutomationForm, StepForm
from admin_ui.forms import said
from admin_ui.panel import without_session
from admin_ui.sessions import ancestors
from plugin import clock
from plugin.campaigns.models import AutomationVersion
from plugin.commerce import queries as commerce
from plugin.config import config
from plugin.crypto import secrets
from plugin.db.engine import transaction
from plugin.errors import Invalid
from plugin.messages import letters, renderer, template_store
from plugin.messages import operations as messages
from plugin.messages.rendering import Rendered
from plugin.messages.template_store import Compiled, Source
from plugin.shops import queries as shops
from plugin.shops.models import Shop

previews = Blueprint("previews", __name__, url_prefix="/previews")
PURPOSE = "mail-preview"
TICKET_SECONDS = 8 * 3600
SAMPLE_LINES = 2


def ticket(shop_id: int) -> str:
    """What a preview's frame shows instead of a session token."""
    return secrets.sign(PURPOSE, shop_id, int(clock.machine_now().timestamp()) + TICKET_SECONDS)


@previews.post("/cart/<int:step>")
@without_session
def cart(step: int) -> Response:
    """One mail of the form as it is typed now, with a sample cart."""
    shop = shop_of(request.form.get("ticket", ""))
    if isinstance(shop, Response):
        return shop
    form = AutomationForm(request.form)
    if step >= len(form.steps):
        return _sealed(gettext("There is no such mail."), 404)
    with transaction(shop.id) as session:
        context = sample(session, shop)
    return as_typed(_source(form.steps[step].form, step), context)


def as_typed(source: Source, context: dict[str, Any]) -> Response:
    """A mail as a sealed document, or what is wrong with it."""
    try:
        return _sealed(_rendered(source, context).html, 200)
    except Invalid as error:
        return _sealed(f"<p>{escape(said(error))}</p>", 200)


def shop_of(given: str) -> Shop | Response:
    """The shop whose page was given this ticket, now the request's; or the answer that says no."""
    try:
        parts = secrets.verify(PURPOSE, given)
        if int(parts[1]) < clock.machine_now().timestamp():
            raise Invalid("This page was open for long. Reload it to see the preview.")
    except Invalid as error:
        return _sealed(said(error), 401)
    g.shop = shops.by_id(int(parts[0]))
    g.shop_domain = g.shop.domain
    return g.shop


def _source(step: StepForm, number: int) -> Source:
    """The typed texts; the built-in ones where a merchant emptied the mail."""
    built_in = template_store.built_in(f"cart_{min(number, 1) + 1}")
    mjml, text = step.mjml.data or built_in.mjml, step.text.data or built_in.text
    return Source(step.subject.data or "", step.preheader.data or "", mjml, text)


def _rendered(source: Source, context: dict[str, Any]) -> Rendered:
    html = renderer.compile_template(source.subject, source.preheader, source.mjml, source.text)
    compiled = Compiled(source.digest, source.subject, source.preheader, html, source.text)
    result = renderer.render_all({"preview": compiled}, [renderer.Job("preview", context)])[0]
    if isinstance(result, Invalid):
        raise result
    return result


def sample(session: Session, shop: Shop) -> dict[str, Any]:
    """A cart with the shop's own latest products, for nobody in particular."""
    store = letters.storefront(shop)
    lines = [
        {
            "title": product.title,
            "variant": "",
            "quantity": 1,
            "price_minor": price_minor,
            "total_minor": price_minor,
            "image_url": product.image_url or "",
            "url": f"{store}/products/{product.handle}",
        }
        for product, price_minor in commerce.latest_products(session, shop, SAMPLE_LINES)
    ]
    return {
        **letters.common_context(shop),
        "customer": {"first_name": "Olga", "last_name": "Petrenko"},
        "cart_url": f"{store}/cart",
        "total_minor": sum(line["total_minor"] for line in lines),
        "lines": lines,
        "more_lines": 0,
        "unsubscribe_url": f"{store}/#unsubscribe",
    }


def send_test(session: Session, version: AutomationVersion, step: int, email: str) -> None:
    """Queue one kept mail with the sample cart to an address. Raises Invalid when there is no such mail."""
    if step >= len(version.steps):
        raise Invalid("Save this mail before you test it.", "email")
    messages.queue(
        session,
        g.shop,
        kind="test",
        key=f"test:{version.automation_id}:{randomness.token_urlsafe(9)}",
        marketing=False,
        email=email,
        customer_id=None,
        template={"digest": version.steps[step]["digest"]},
        context=sample(session, g.shop),
        locale=g.shop.locale,
    )


def _sealed(html: str, status: int) -> Response:
    """A document that can show pictures and styles and do nothing else, inside the panel alone."""
    around = ancestors(config().platform, g.shop_domain) if "shop_domain" in g else ""
    allowed = "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; font-src https:; sandbox"
    policy = f"{allowed}; frame-ancestors 'self' {around}"
    return Response(html, status, {"Content-Security-Policy": policy}, mimetype="text/html")
