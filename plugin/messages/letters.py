"""From a message's row to a letter: who writes, what every template can use, and the link that ends it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from plugin.commerce.models import Customer
from plugin.config import config
from plugin.crypto import secrets
from plugin.mail import smtp
from plugin.mail.envelope import Letter
from plugin.messages.models import Message
from plugin.messages.rendering import Rendered
from plugin.messages.rules import ALL
from plugin.shops.models import Shop

PURPOSE: Final = "unsubscribe"
HEX_COLOR: Final = re.compile("#[0-9a-fA-F]{6}")
PLAIN_COLOR: Final = "#1a1a1a"


def common_context(shop: Shop) -> dict[str, Any]:
    """What every template of a shop can use, whatever the mail is about."""
    settings = shop.settings or {}
    return {
        "currency": shop.currency,
        "locale": shop.locale,
        "shop": {
            "name": settings.get("sender_name") or shop.name or shop.domain,
            "url": storefront(shop),
            "logo_url": settings.get("logo_url") or "",
            **colors(str(settings.get("mail_color") or "")),
            "postal_address": settings.get("postal_address") or "",
        },
    }


def context(shop: Shop, message: Message, customer: Customer | None) -> dict[str, Any]:
    """Everything a message's template is filled with."""
    person = {
        "first_name": (customer.first_name if customer else None) or "",
        "last_name": (customer.last_name if customer else None) or "",
    }
    return {
        **common_context(shop),
        "customer": person,
        **message.context,
        "locale": message.locale,
        "unsubscribe_url": unsubscribe_url(shop, message.id) if can_be_ended(message) else "",
    }


def colors(chosen: str) -> dict[str, Any]:
    """The button's colour and the ink that can be read on it (WCAG relative luminance); `plain` without a choice."""
    plain = HEX_COLOR.fullmatch(chosen) is None
    color = PLAIN_COLOR if plain else chosen
    red, green, blue = (_linear(int(color[n : n + 2], 16) / 255) for n in (1, 3, 5))
    is_light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179
    return {"color": color, "color_text": "#1a1a1a" if is_light else "#ffffff", "plain": plain}


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def letter(shop: Shop, message: Message, mail: Rendered, sent_at: datetime) -> Letter:
    """What goes over the wire. The Message-ID is made once and kept, so that a repeated service mail is the same."""
    sender = sender_of(shop)
    return Letter(
        sender_name=common_context(shop)["shop"]["name"],
        sender_email=sender,
        recipient=message.email,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        message_id=message.message_id or message_id(shop, message.key, sender),
        reference=f"{shop.id}-{message.id}",
        sent_at=sent_at,
        reply_to=shop.email if shop.email and shop.email != sender else None,
        unsubscribe_url=unsubscribe_url(shop, message.id) if can_be_ended(message) else None,
    )


def can_be_ended(message: Message) -> bool:
    """Whether the mail has a link to stop: all marketing, and service mails that are a scope of their own."""
    return message.marketing or message.scope != ALL


def unsubscribe_url(shop: Shop, message_id: int) -> str:
    """The link that ends what this mail is about. It carries no address: the row knows whose it is."""
    return f"{config().app_url}/u/{secrets.sign(PURPOSE, shop.id, message_id)}"


def message_id(shop: Shop, key: str, sender: str) -> str:
    """An RFC 5322 Message-ID that repeats for the same shop and key."""
    return f"<{secrets.keyed('message-id', shop.id, key).hex()[:32]}@{sender.rpartition('@')[2]}>"


def sender_of(shop: Shop) -> str:
    """The shop's own sender address, else the server's `?from=`, else the shop's, else one on its storefront."""
    chosen = (shop.settings or {}).get("sender_email") or smtp.server(config().smtp_url).sender or shop.email
    return chosen or f"no-reply@{urlsplit(storefront(shop)).hostname}"


def storefront(shop: Shop) -> str:
    """The shop's public address, without a trailing slash."""
    return (shop.storefront_url or f"https://{shop.domain}").rstrip("/")
