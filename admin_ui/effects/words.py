"""How the panel names tasks: what is to be done in the store, what about, and where it stands."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext

from admin_ui.formats import ago, business
from plugin.effects.breakers import Seen
from plugin.effects.models import Effect


def kinds() -> dict[str, str]:
    """Every kind of task, by its name in `outbox`."""
    return {
        "discount_code": gettext("Create a reward's code"),
        "discount_code_end": gettext("End a returned reward's code"),
        "theme_data": gettext("Give the theme the programme"),
        "fetch": gettext("Read from the store"),
        "email_consent": gettext("Tell the store of a consent"),
    }


def kind(name: str) -> str:
    """What a task does."""
    return kinds().get(name, name)


def subject(effect: Effect) -> str:
    """What a task is about; ids and codes, never a person's data."""
    said = effect.payload
    if effect.kind == "discount_code":
        return str(said.get("code", ""))
    if effect.kind == "discount_code_end":
        return gettext("Redemption %(id)s", id=effect.key)
    if effect.kind == "email_consent":
        return gettext("Customer %(id)s", id=said.get("customer_id", ""))
    if effect.kind == "fetch":
        known = {"customers": gettext("Customer %(id)s", id=said.get("id", "")),
                 "orders": gettext("Order %(id)s", id=said.get("id", "")),
                 "products": gettext("Product %(id)s", id=said.get("id", ""))}  # fmt: skip
        return known.get(str(said.get("object")), effect.key)
    return "" if effect.kind == "theme_data" else effect.key


def state(effect: Effect) -> tuple[str, str]:
    """Where a task stands, as word and badge tone."""
    known = {
        "pending": (gettext("Waiting"), "info"),
        "claimed": (gettext("Being done"), "info"),
        "calling": (gettext("Being done"), "info"),
        "done": (gettext("Done"), "success"),
        "failed": (gettext("Failed"), "critical"),
        "unknown": (gettext("Unknown"), "warning"),
    }
    return known.get(effect.state, (effect.state, ""))


def next_try(effect: Effect, now: datetime) -> str:
    """When a waiting task is tried (again)."""
    if effect.next_attempt_at <= now:
        return gettext("in a moment")
    return ago(business(effect.next_attempt_at))


def asked_again(seen: Seen) -> str:
    """When a destination that is left alone is asked again."""
    until = seen.breaker.open_until
    if until is None or until <= seen.now:
        return gettext("The next task tries it again.")
    return gettext("Asked again %(when)s.", when=ago(business(until)))


def matching(words: str) -> list[str]:
    """The kinds whose name holds these words."""
    return [name for name, label in kinds().items() if words.lower() in label.lower()]
