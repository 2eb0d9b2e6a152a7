"""What a signed-in shopper tells about themselves: as data for a script, and as a page that needs none.

`GET /proxy/profile` gives the fields with the own answers; `POST` keeps `field-<id>` of each field that is sent, empty
to take an answer back. A birthday is "MM-DD", or `field-<id>-month` and `field-<id>-day`.
"""

from __future__ import annotations

import re

from flask import Blueprint, jsonify, render_template, request
from flask_babel import get_locale
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from plugin import clock
from plugin.db.engine import transaction
from plugin.loyalty import queries
from plugin.loyalty.acting import profiles as answers
from plugin.loyalty.rules import ProgramRules
from plugin.storefront import limits
from plugin.storefront.asked import back, wants_json
from plugin.storefront.visitors import check_token, customer_id, visitor, write_token

profiles = Blueprint("profiles", __name__, url_prefix="/profile")


@profiles.get("")
def show() -> Response | str:
    """The fields, what they give, and what was answered."""
    customer = customer_id()
    limits.allow("read", 120, visitor().shop.id, customer)
    with transaction(visitor().shop.id) as session:
        return _told(session, customer)


@profiles.post("")
def save() -> Response | str:
    """Keep the answers."""
    customer = customer_id()
    check_token(request.form.get("token", ""))
    limits.allow("profile", 20, visitor().shop.id, customer)
    with transaction(visitor().shop.id) as session:
        answers.answer(session, visitor().shop, customer, _typed())
        return _told(session, customer, saved=True)


def _typed() -> dict[int, str]:
    typed: dict[int, str] = {}
    for name, text in request.form.items():
        found = re.fullmatch(r"field-([0-9]{1,18})(-month)?", name)
        if found is None:
            continue
        day = request.form.get(f"field-{found[1]}-day", "")
        typed[int(found[1])] = (f"{text}-{day}" if text or day else "") if found[2] else text
    return typed


def _told(session: Session, customer: int, saved: bool = False) -> Response | str:
    shop = visitor().shop
    program = queries.program(session, shop, clock.now(session))
    own = answers.values(session, shop, customer)
    fields = [
        {
            "id": field.id,
            "label": field.label,
            "kind": field.kind,
            "choices": field.choices,
            "value": own.get(field.id, ""),
            "points": _points(program, f"profile.{field.id}"),
            "yearly": _points(program, "birthday") if field.kind == "birthday" else 0,
        }
        for field in answers.fields(session, shop)
    ]
    if wants_json():
        return jsonify(fields=fields, saved=saved, token=write_token())
    here = {"shop": shop, "path": visitor().proxy_path, "back": back(), "program": program}
    months = get_locale().months["stand-alone"]["wide"] if get_locale() else {}
    return render_template(
        "storefront/profile.html", fields=fields, saved=saved, months=months, token=write_token(), **here
    )


def _points(program: ProgramRules | None, thing: str) -> int:
    """The most that this gives anybody; 0 for nothing."""
    if program is None or program.paused:
        return 0
    return max((way.points for way in program.document.actions.of(thing)), default=0)
