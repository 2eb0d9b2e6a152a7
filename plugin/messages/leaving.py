"""The link in every marketing mail: whose it is, what it ends, and how to come back.

What a "no" ends beyond mail (wishes for a field) belongs to a higher layer, which hands its verbs in (`use`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from plugin.crypto import secrets
from plugin.errors import Invalid, NotFound
from plugin.messages import operations
from plugin.messages.letters import PURPOSE
from plugin.messages.models import Message, Suppression
from plugin.messages.rules import ALL
from plugin.shops.models import Shop

Verb = Callable[..., None]  # (session, shop, email, scope, *, words, source)
_verbs: dict[str, Verb] = {"leave": operations.withdraw, "come_back": operations.grant}


@dataclass(frozen=True)
class Link:
    """A genuine link: of which shop and message."""

    shop_id: int
    message_id: int


def use(leave: Verb, come_back: Verb) -> None:
    """Said once by the composition root: what a no, and a change of mind, do beyond mail."""
    _verbs.update(leave=leave, come_back=come_back)


def read(token: str) -> Link:
    """The link of a token. Raises NotFound for anything we did not sign for this purpose."""
    try:
        shop_id, message_id = map(int, secrets.verify(PURPOSE, token))
    except (Invalid, ValueError) as error:
        raise NotFound("This link is not valid.") from error
    return Link(shop_id, message_id)


def message(session: Session, shop: Shop, link: Link) -> Message:
    """The mail the link was in. Raises NotFound."""
    found = session.get(Message, (shop.id, link.message_id))
    if found is None:
        raise NotFound("This link is not valid.")
    return found


def leave(session: Session, shop: Shop, mail: Message, scope: str, words: str, source: str) -> None:
    """End `scope` for the address of a mail; repeating it changes nothing. Erased addresses have nothing to end."""
    if mail.email:
        _verbs["leave"](session, shop, mail.email, _allowed(mail, scope), words=words, source=source)


def come_back(session: Session, shop: Shop, mail: Message, scope: str, words: str, source: str) -> None:
    """Undo exactly what this page ended, and only while it is ended."""
    scope = _allowed(mail, scope)
    if mail.email and has_left(session, shop, mail, scope):
        _verbs["come_back"](session, shop, mail.email, scope, words=words, source=source)


def has_left(session: Session, shop: Shop, mail: Message, scope: str) -> bool:
    """Whether the person ended this scope themselves (not: the address is dead)."""
    line = session.get(Suppression, (shop.id, mail.email, scope))
    return line is not None and line.reason == "unsubscribed"


def _allowed(mail: Message, scope: str) -> str:
    """A link can end what its mail is about, or everything; nothing else."""
    return scope if scope in (mail.scope, ALL) else mail.scope
