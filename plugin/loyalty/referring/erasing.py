"""The part of referrals in exporting and erasing a person, who may be on either side, or only have left an address."""

from __future__ import annotations

from sqlalchemy.orm import Session

from plugin.commerce.mailboxes import mailbox
from plugin.shops import rows
from plugin.shops.models import Shop
from plugin.shops.people import Person

_AS_FRIEND = "(friend_id = ANY (:customer_ids) OR email = ANY (:emails) OR mailbox = ANY (:mailboxes))"
_EXPORTS = {
    "referral_links": """
        SELECT code, opened, created_at FROM referral_links
        WHERE shop_id = :shop AND customer_id = ANY (:customer_ids) ORDER BY created_at, code""",
    "referrals": """
        SELECT 'invited somebody' AS part, state, reason, points, claimed_at, ordered_at, rewarded_at, verdict_note
        FROM referrals WHERE shop_id = :shop AND advocate_id = ANY (:customer_ids) ORDER BY id""",
    "referrals_as_friend": f"""
        SELECT email, code, state, reason, claimed_at, ordered_at, order_id, verdict_note
        FROM referrals WHERE shop_id = :shop AND {_AS_FRIEND} ORDER BY id""",
}
_ERASES = {
    "referrals": f"""
        UPDATE referrals SET verdict_note = NULL, email = CASE WHEN {_AS_FRIEND} THEN NULL ELSE email END,
            mailbox = CASE WHEN {_AS_FRIEND} THEN NULL ELSE mailbox END
        WHERE shop_id = :shop AND (advocate_id = ANY (:customer_ids) OR {_AS_FRIEND})
            AND (email IS NOT NULL OR verdict_note IS NOT NULL)""",
}


def export_customer(session: Session, shop: Shop, person: Person) -> rows.Found:
    """Their link, whom they brought (without saying who), and who brought them."""
    return rows.read(session, shop, person, _EXPORTS, mailboxes=_mailboxes(person))


def erase_customer(session: Session, shop: Shop, person: Person) -> rows.Counts:
    """Empty the address and what staff wrote; that somebody once brought somebody stays, by ids of empty records."""
    return rows.change(session, shop, person, _ERASES, mailboxes=_mailboxes(person))


def _mailboxes(person: Person) -> list[str]:
    return sorted({mailbox(email) for email in person.emails})
