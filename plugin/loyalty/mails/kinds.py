"""The mails of the programme: what each is, whether it goes out unless the merchant says otherwise, and a sample.

All but one are about a person's own account, so they are service mails and need no consent to marketing. But nobody has
to want them: each has a link that ends them all (scope `SCOPE`), apart from those that somebody's own click asked for.
The mail about losing a tier asks to buy something: that one is marketing.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from plugin.messages.rules import PROGRAM

SCOPE: Final = PROGRAM


class Kind(NamedTuple):
    """`asked` mails answer a click and cannot be unsubscribed from; `always` ones carry what is nowhere else."""

    name: str
    on: bool = True
    marketing: bool = False
    asked: bool = False
    always: bool = False
    sample: dict[str, Any] = {}


_SOON: Final = "2026-09-01T10:00:00+00:00"
KINDS: Final = {
    kind.name: kind
    for kind in (
        # Off at first: it comes beside the store's own mail about each order.
        Kind(
            "points_earned", on=False, sample={"points": 127, "order": "#1042", "available_at": _SOON, "balance": 940}
        ),
        Kind("reward_ready", sample={"reward": "5 € off", "cost": 500, "balance": 540}),
        Kind("points_taken", sample={"points": 42, "order": "#1042", "why": "refund", "owed": 0, "balance": 898}),
        Kind("points_expiring", sample={"points": 120, "expires_on": "2026-09-01"}),
        Kind("tier_up", sample={"tier": "Gold", "perks": ["Free shipping", "First look at new things"], "bonus": 100}),
        Kind(
            "tier_risk",
            marketing=True,
            sample={"tier": "Gold", "missing": [{"what": "spend", "amount": 4000}], "falls_at": _SOON},
        ),
        Kind("referral_reward", sample={"points": 250}),
        Kind(
            "reward",
            asked=True,
            sample={"reward_title": "5 € off", "code": "BEANS-7Q2M-K4XD", "points": 500, "expires_at": _SOON},
        ),
        Kind(
            "referral_welcome",
            asked=True,
            always=True,
            sample={"code": "HELLO-7Q2M-K4XD", "percent": 10, "value_minor": None, "expires_at": _SOON},
        ),
    )
}
