"""The steps of an automation: what a merchant may type, and what stands there from the start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

from plugin.campaigns.rules import LONGEST_DELAY, MOST_STEPS, SHORTEST_DELAY
from plugin.errors import Invalid
from plugin.messages import template_store

DEFAULT_DELAYS: Final = (60, 24 * 60)  # minutes after the cart was last touched
LONGEST: Final = {"subject": 200, "preheader": 200, "mjml": 100_000, "text": 20_000}

SAMPLE: Final[dict[str, Any]] = {
    "customer": {"first_name": "Olga", "last_name": "Petrenko"},
    "currency": "EUR",
    "lines": [{"title": "Title", "variant": "Variant", "quantity": 2, "price_minor": 1450, "total_minor": 2900}],
    "more_lines": 0,
    "total_minor": 2900,
    "cart_url": "https://shop.example/cart",
    "unsubscribe_url": "https://shop.example/unsubscribe",
}  # what a template is tried on before it is kept


class Step(TypedDict):
    """One mail; `delay_minutes` counts from the moment the cart was last touched."""

    delay_minutes: int
    subject: str
    preheader: str
    mjml: str
    text: str


def default_steps() -> list[Step]:
    """Two mails: after one hour and after a day."""
    return [_built_in(number, delay) for number, delay in enumerate(DEFAULT_DELAYS, 1)]


def checked(steps: Sequence[Mapping[str, Any]]) -> list[Step]:
    """The steps as typed, trimmed and in order. Raises Invalid, with the field as `steps-<n>-<name>`."""
    if not 1 <= len(steps) <= MOST_STEPS:
        raise Invalid("Use one to %(most)s mails.", "steps", most=MOST_STEPS)
    typed = [_checked(number, step) for number, step in enumerate(steps)]
    for number, (before, after) in enumerate(zip(typed, typed[1:], strict=False), 1):
        if after["delay_minutes"] <= before["delay_minutes"]:
            raise Invalid("Each mail must come later than the one before.", f"steps-{number}-delay_minutes")
    return typed


def _checked(number: int, step: Mapping[str, Any]) -> Step:
    own = _built_in(min(number, len(DEFAULT_DELAYS) - 1) + 1, _delay(number, step))
    for name in ("subject", "preheader", "mjml", "text"):
        own[name] = _text(number, name, step) or ("" if name == "preheader" else own[name])
    return own


def _delay(number: int, step: Mapping[str, Any]) -> int:
    field = f"steps-{number}-delay_minutes"
    try:
        minutes = int(step["delay_minutes"])
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid("Enter how long after the cart was left, in minutes.", field) from error
    if not SHORTEST_DELAY <= minutes <= LONGEST_DELAY:
        raise Invalid("Choose between 5 minutes and 13 days.", field)
    return minutes


def _text(number: int, name: str, step: Mapping[str, Any]) -> str:
    text = str(step.get(name) or "").replace("\x00", "").strip()
    if len(text) > LONGEST[name]:
        raise Invalid("Use at most %(most)s characters.", f"steps-{number}-{name}", most=LONGEST[name])
    return text


def _built_in(number: int, delay_minutes: int) -> Step:
    source = template_store.built_in(f"cart_{number}")
    return Step(
        delay_minutes=delay_minutes,
        subject=source.subject,
        preheader=source.preheader,
        mjml=source.mjml.strip(),
        text=source.text.strip(),
    )
