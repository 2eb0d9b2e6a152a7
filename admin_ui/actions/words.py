"""How the panel speaks of ways to earn and of what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext

from admin_ui.formats import day, number
from plugin.loyalty.acting.terms import ONCE, Way
from plugin.loyalty.rules import ProgramRules


def kind(kind: str) -> str:
    """A kind of way, for a button or a title."""
    known = {
        "signup": gettext("Sign-up"),
        "birthday": gettext("Birthday"),
        "newsletter": gettext("Newsletter"),
        "profile_field": gettext("Profile field"),
        "event": gettext("Review or other event"),
        "anniversary": gettext("Anniversary"),
    }
    return known.get(kind, kind)


def thing(thing: str, labels: Mapping[int, str]) -> str:
    """What is done; `labels` are the names of profile fields."""
    what, _, detail = thing.partition(".")
    if what == "profile":
        label = labels.get(int(detail), "")
        return gettext("Profile: %(label)s", label=label) if label else gettext("Profile field filled in")
    if what == "event":
        return gettext("Event: %(name)s", name=detail)
    if what == "anniversary":
        return (
            gettext("Anniversary of the first order") if detail == "first_order" else gettext("Anniversary of sign-up")
        )
    return kind(what)


def deed(told: Mapping[str, Any], labels: Mapping[int, str]) -> str:
    """An entry of the ledger that a deed brought: "Birthday, 2026"."""
    named = thing(str(told.get("deed", "")), labels)
    return gettext("%(deed)s, %(year)s", deed=named, year=told["year"]) if "year" in told else named


def movement(kind: str, told: Mapping[str, Any]) -> str:
    """The same with what happened to it."""
    if kind == "bonus":
        return deed(told, {})
    return gettext("Taken back: %(deed)s", deed=deed(told, {}))


def lines(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Why a deed gave what it gave: label and value."""
    if "way" not in told:
        return []
    said = [
        (gettext("Version of the rules"), number(told["version"])),
        (gettext("This way to earn gives"), number(told["rule_points"])),
    ]
    if told.get("most_times"):
        left = gettext(
            "%(given)s before, %(most)s at most", given=number(told["earlier"]), most=number(told["most_times"])
        )
        said.append((gettext("Limit %(period)s", period=period(told["period"])), left))
    return said


def reason(reason: str) -> tuple[str, str]:
    """Why a deed gave points or none, as words and badge tone."""
    known = {
        "": (gettext("Waiting"), "attention"),
        "given": (gettext("Given"), "success"),
        "withdrawn": (gettext("Left the newsletter again"), ""),
        "once": (gettext("Given before; once is all"), ""),
        "times": (gettext("As often as the limit allows"), ""),
        "points": (gettext("As many points as the limit allows"), ""),
        "cooldown": (gettext("Too soon after the last time"), ""),
        "short_notice": (gettext("The day was told or changed too shortly before"), "warning"),
        "conditions": (gettext("Tier or tags do not fit"), ""),
        "excluded": (gettext("Excluded by a tag"), ""),
        "held_out": (gettext("In the comparison group"), ""),
        "not_member": (gettext("Takes no part in the programme"), ""),
        "paused": (gettext("The programme was paused"), ""),
        "off": (gettext("This way was off at that moment"), ""),
        "unknown_customer": (gettext("The customer is gone"), ""),
    }
    return known.get(reason, (reason, ""))


def period(period: str) -> str:
    """Over what a limit counts."""
    known = {
        "ever": gettext("in all"),
        "day": gettext("a day"),
        "week": gettext("a week"),
        "month": gettext("a month"),
        "year": gettext("a year"),
    }
    return known.get(period, period)


def example(way: Way, program: ProgramRules, today: date, labels: Mapping[int, str]) -> list[str]:
    """The way in sentences that one can check against."""
    said = [
        _gives(
            way, f"{number(way.points)} {program.points_one if way.points == 1 else program.points_many}", today, labels
        )
    ]
    if way.most_times is not None and way.kind not in ONCE:
        said.append(
            gettext("At most %(times)s times %(period)s.", times=number(way.most_times), period=period(way.period))
        )
    if way.most_points is not None:
        most = number(way.most_points)
        said.append(gettext("Never more than %(points)s %(period)s.", points=most, period=period(way.period)))
    if way.cooldown_days:
        again = day_of(today + timedelta(days=way.cooldown_days))
        said.append(gettext("Given today, it is given again from %(day)s on.", day=again))
    if way.tiers:
        said.append(gettext("Only in these tiers: %(tiers)s.", tiers=", ".join(way.tiers)))
    if way.customer_tags:
        said.append(gettext("Only with one of these tags: %(tags)s.", tags=", ".join(way.customer_tags)))
    return said


def _gives(way: Way, points: str, today: date, labels: Mapping[int, str]) -> str:
    told = {"points": points, "today": day_of(today)}
    if way.kind == "signup":
        return gettext("Who signs up today, %(today)s, gets %(points)s.", **told)
    if way.kind == "newsletter":
        until = day_of(today + timedelta(days=way.keep_days))
        return gettext(
            "Who subscribes today gets %(points)s. Leaving until %(day)s takes them back.", day=until, **told
        )
    if way.kind == "birthday":
        first = day_of(today + timedelta(days=way.notice_days))
        return gettext(
            "%(points)s on every birthday. A day told or changed today counts from %(day)s on.", day=first, **told
        )
    if way.kind == "profile_field":
        field = labels.get(way.field, "…")
        return gettext(
            "The first answer to “%(field)s” gives %(points)s, changing it gives nothing more.", field=field, **told
        )
    if way.kind == "event":
        return gettext("Each event “%(name)s” that your tools send gives %(points)s.", name=way.name or "…", **told)
    if way.since == "first_order":
        return gettext("Who orders for the first time today gets %(points)s on this day of every later year.", **told)
    return gettext("Who signs up today gets %(points)s on this day of every later year.", **told)


def day_of(moment: date) -> str:
    """A calendar day."""
    return day(moment)
