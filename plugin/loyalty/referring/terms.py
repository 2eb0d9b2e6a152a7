"""What a programme version promises for a referral: the part `referrals` of its document."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from plugin.errors import Invalid

LARGEST: Final = 10**9

FriendKind = Literal["amount", "percent"]
Household = Literal["once", "review", "allow", "block"]


class Referrals(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Both sides of a referral. Money in minor units of the version's currency; days in the shop's time zone.

    A referral counts with the friend's first paid order of at least `minimum_minor` net of refunds, and is rewarded
    `hold_days` after it, never before the version's return window has closed.
    """

    enabled: bool = False
    points: int = 500  # for whoever shared the link
    friend_kind: FriendKind = "amount"
    friend_value: int = 500  # minor units, or whole percent
    minimum_minor: int = 0
    claim_days: int = 30  # how long the friend's code, and with it the claim, is good
    hold_days: int = 14
    monthly_cap: int | None = 10  # rewards a customer and calendar month; None is no cap
    daily_claims: int = 5  # claims of one link within 24 hours before a person looks at them
    household: Household = "once"  # same address: the first one passes, all are looked at, none matters, none passes


def check(terms: Referrals) -> None:
    """Raises Invalid at the first field that cannot be used."""
    if not 0 <= terms.points <= LARGEST:
        raise Invalid("Enter how many points a referral brings, 0 or more.", "points")
    _check_friend(terms)
    if not 1 <= terms.claim_days <= 365:
        raise Invalid("Enter between 1 and 365 days.", "claim_days")
    if not 0 <= terms.hold_days <= 365:
        raise Invalid("Enter between 0 and 365 days.", "hold_days")
    if terms.monthly_cap is not None and not 1 <= terms.monthly_cap <= 100_000:
        raise Invalid("Enter between 1 and 100,000, or leave it empty.", "monthly_cap")
    if not 1 <= terms.daily_claims <= 10_000:
        raise Invalid("Enter between 1 and 10,000.", "daily_claims")


def _check_friend(terms: Referrals) -> None:
    if terms.friend_kind == "percent" and not 1 <= terms.friend_value <= 100:
        raise Invalid("Enter between 1 and 100 per cent.", "friend_value")
    if not 0 < terms.friend_value <= LARGEST:
        raise Invalid("Enter an amount above 0.", "friend_value")
    if not 0 <= terms.minimum_minor <= LARGEST:
        raise Invalid("Enter an amount, 0 for none.", "minimum_minor")
    if terms.friend_kind == "amount" and terms.minimum_minor and terms.minimum_minor < terms.friend_value:
        raise Invalid("The least order is smaller than what comes off it.", "minimum_minor")
