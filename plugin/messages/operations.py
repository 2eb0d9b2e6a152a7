"""The verbs of mail: queue one, remember a yes or a no, and stop what waits.

Invariant: a message's key is unique for ever, so whatever asks twice gets one mail; a "no" also reaches the messages
that are already waiting, and sending asks again (plugin/messages/sending.py).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, any_, event, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Customer
from plugin.effects import operations as effects
from plugin.jobs.doorbell import ring
from plugin.messages import rules
from plugin.messages.merging import kept_behind
from plugin.messages.models import Consent, Message, Suppression
from plugin.messages.suppressing import lift, lift_many, suppress, suppress_many
from plugin.shops.models import Shop

_STORE_SAID = text("""
    INSERT INTO consents (shop_id, email, customer_id, scope, granted, words, source, occurred_at)
    SELECT :shop, said.email, said.customer_id, :scope, said.granted, '', 'store', said.at
    FROM unnest(CAST(:emails AS text[]), CAST(:customers AS bigint[]), CAST(:granted AS boolean[]),
        CAST(:moments AS timestamptz[])) AS said (email, customer_id, granted, at)
    LEFT JOIN LATERAL (
        SELECT granted FROM consents WHERE shop_id = :shop AND email = said.email AND scope = :scope
        ORDER BY id DESC LIMIT 1
    ) AS last ON true
    WHERE last.granted IS DISTINCT FROM said.granted
""")


def queue(
    session: Session,
    shop: Shop,
    *,
    kind: str,
    key: str,
    marketing: bool,
    email: str,
    customer_id: int | None,
    template: str | dict[str, Any],
    context: dict[str, Any],
    subject_kind: str | None = None,
    subject_id: int | None = None,
    locale: str = "en",
    scope: str = rules.ALL,
) -> int | None:
    """Ask for one mail; its id, or None when this key was asked for before. `scope` is what an unsubscribe ends."""
    row = {
        "shop_id": shop.id,
        "kind": kind,
        "key": key,
        "marketing": marketing,
        "scope": scope,
        "email": rules.address(email),
        "customer_id": customer_id,
        "template": {"name": template} if isinstance(template, str) else template,
        "context": context,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "locale": locale or "en",
    }
    return next(iter(queue_rows(session, [row])), None)


def queue_rows(session: Session, rows: list[dict[str, Any]]) -> list[int]:
    """Many mails in one statement, each a dict of `messages` columns; the ids of those that are new."""
    if not rows:
        return []
    now = clock.now(session)
    statement = insert(Message).values([{**row, "created_at": now} for row in rows])
    ring_after_commit(session)
    return list(session.scalars(statement.on_conflict_do_nothing().returning(Message.id)))


def ring_after_commit(session: Session) -> None:
    """Tell a worker after the commit that mail waits; once a transaction. When nobody hears it, the sweep finds it."""
    if session.info.get("messages_ring"):
        return
    session.info["messages_ring"] = True

    @event.listens_for(session, "after_commit", once=True)
    def _(_: Session) -> None:
        session.info.pop("messages_ring", None)
        ring("messages.send_due")


def record_consent(
    session: Session,
    shop: Shop,
    *,
    email: str,
    customer_id: int | None,
    scope: str,
    granted: bool,
    words: str,
    source: str,
) -> int:
    """Remember that a person said yes or no, in which words and where. Append-only; the row's id."""
    consent = Consent(
        shop_id=shop.id,
        email=rules.address(email),
        customer_id=customer_id,
        scope=scope,
        granted=granted,
        words=words,
        source=source,
        occurred_at=clock.now(session),
    )
    session.add(consent)
    session.flush()
    return consent.id


def withdraw(session: Session, shop: Shop, email: str, scope: str, *, words: str, source: str) -> None:
    """A person said no to `scope`: remember it once, list the address, stop what waits, tell the store."""
    customer = _customer_of(session, shop, email) or kept_behind(session, shop, email)
    if not _has_said_so(session, shop, email, scope):
        consent_id = record_consent(
            session,
            shop,
            email=email,
            customer_id=customer.id if customer else None,
            scope=scope,
            granted=False,
            words=words,
            source=source,
        )
        _tell_store(session, shop, customer, scope, "UNSUBSCRIBED", consent_id)
    suppress(session, shop, email, scope, "unsubscribed")
    if customer is not None and customer.email:  # another address, when the person was merged since
        suppress(session, shop, customer.email, scope, "unsubscribed")


def grant(
    session: Session, shop: Shop, email: str, scope: str, *, words: str, source: str, customer_id: int | None = None
) -> None:
    """A person said yes to `scope`: remember it, take the address off that list, tell the store."""
    customer = _customer_of(session, shop, email)
    consent_id = record_consent(
        session,
        shop,
        email=email,
        customer_id=customer_id or (customer.id if customer else None),
        scope=scope,
        granted=True,
        words=words,
        source=source,
    )
    lift(session, shop, email, scope)
    _tell_store(session, shop, customer, scope, "SUBSCRIBED", consent_id)


def follow_consent(session: Session, shop: Shop, customer_ids: set[int]) -> None:
    """The store's consent of these customers changed: list the withdrawn, lift the granted, remember both."""
    if not customer_ids:
        return
    columns = Customer.id, Customer.email, Customer.email_consent, Customer.email_consent_at
    named = Customer.id == any_(literal(sorted(customer_ids), ARRAY(BigInteger)))
    of_shop = Customer.shop_id == shop.id, named, Customer.email.is_not(None)
    customers = session.execute(select(*columns).where(*of_shop)).all()
    withdrawn = [c for c in customers if c.email_consent in rules.WITHDRAWN]
    granted = [c for c in customers if c.email_consent == "subscribed"]
    suppress_many(session, shop, {c.email: c.email_consent_at for c in withdrawn}, rules.ALL, "unsubscribed")
    lift_many(session, shop, {c.email: c.email_consent_at for c in granted}, rules.ALL)
    _remember(session, shop, [(c, True) for c in granted] + [(c, False) for c in withdrawn])


def _customer_of(session: Session, shop: Shop, email: str) -> Customer | None:
    """The store's customer with this address, the oldest when there are several spellings."""
    spellings = {email.strip(), rules.address(email)}
    return session.scalars(
        select(Customer)
        .where(Customer.shop_id == shop.id, Customer.email.in_(spellings), Customer.deleted_at.is_(None))
        .order_by(Customer.id)
        .limit(1)
    ).first()


def _has_said_so(session: Session, shop: Shop, email: str, scope: str) -> bool:
    """Whether this no only repeats an earlier one: no yes to anything came in between."""
    line = session.get(Suppression, (shop.id, rules.address(email), scope), populate_existing=True)
    if line is None or line.reason != "unsubscribed":
        return False
    yes = select(Consent.id).where(
        Consent.shop_id == shop.id,
        Consent.email == line.email,
        Consent.granted,
        Consent.occurred_at > line.created_at,
    )
    return session.scalar(yes.limit(1)) is None


def _tell_store(
    session: Session, shop: Shop, customer: Customer | None, scope: str, state: str, consent_id: int
) -> None:
    """The store keeps one consent for all marketing; what concerns one field stays with us."""
    if scope != rules.ALL or customer is None:
        return
    payload = {"customer_id": customer.id, "state": state, "at": clock.now(session).isoformat()}
    effects.record(session, shop.id, "email_consent", f"{customer.id}:{consent_id}", payload)


def _remember(session: Session, shop: Shop, said: list[tuple[Any, bool]]) -> None:
    """A consent row for each customer whose last remembered word for everything differs from the store's."""
    if not said:
        return
    now = clock.now(session)
    values = {
        "shop": shop.id,
        "scope": rules.ALL,
        "emails": [rules.address(customer.email) for customer, _ in said],
        "customers": [customer.id for customer, _ in said],
        "granted": [granted for _, granted in said],
        "moments": [customer.email_consent_at or now for customer, _ in said],
    }
    session.execute(_STORE_SAID, values)
