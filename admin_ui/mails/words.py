"""How the panel says which mails of the programme there are."""

from __future__ import annotations

from flask_babel import gettext

from plugin.loyalty.mails.kinds import Kind


def name(kind: Kind) -> str:
    """What the mail is."""
    return {
        "points_earned": gettext("Points earned"),
        "reward_ready": gettext("Reward within reach"),
        "points_taken": gettext("Points taken back"),
        "points_expiring": gettext("Points about to expire"),
        "tier_up": gettext("New tier"),
        "tier_risk": gettext("Tier about to be lost"),
        "referral_reward": gettext("Points for inviting a friend"),
        "reward": gettext("Code of a reward"),
        "referral_welcome": gettext("Code for an invited friend"),
    }[kind.name]


def when(kind: Kind) -> str:
    """When it goes out."""
    return {
        "points_earned": gettext("Once an order, when it earns points; and for actions that give any."),
        "reward_ready": gettext(
            "When the balance first pays for the cheapest reward, and again after each redemption."
        ),
        "points_taken": gettext("When a refund, a cancellation or a change of an order takes points back."),
        "points_expiring": gettext("As many days ahead as the programme says under expiry."),
        "tier_up": gettext("When somebody reaches a higher tier."),
        "tier_risk": gettext("When somebody is about to lose a tier, with what is missing."),
        "referral_reward": gettext("When a friend's order is theirs for good."),
        "reward": gettext("When the store has made the code; the storefront shows it too."),
        "referral_welcome": gettext("When a friend asks for the welcome code; it stands nowhere else."),
    }[kind.name]


def permission(kind: Kind) -> str:
    """On what it stands."""
    if kind.marketing:
        return gettext("Marketing: only to who agreed")
    return gettext("Service: asked for by a click") if kind.asked else gettext("Service: with a link to stop")
