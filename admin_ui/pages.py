"""All pages of the panel on one list."""

from __future__ import annotations

from flask import Blueprint

from admin_ui.actions.profiles import asked
from admin_ui.actions.views import ways
from admin_ui.campaigns.previews import previews
from admin_ui.campaigns.views import campaigns
from admin_ui.customers.points import points
from admin_ui.customers.rewards import rewards as customer_rewards
from admin_ui.customers.views import customers
from admin_ui.effects.views import effects
from admin_ui.gallery.views import gallery
from admin_ui.home.views import home
from admin_ui.ledger.expiry import expiry
from admin_ui.ledger.importing import imports
from admin_ui.ledger.views import ledger
from admin_ui.loyalty.versions import versions
from admin_ui.loyalty.views import loyalty
from admin_ui.mails.views import mails
from admin_ui.money.views import money
from admin_ui.panel import make_blueprint
from admin_ui.privacy.views import privacy
from admin_ui.profit.views import profit
from admin_ui.referrals.views import referrals
from admin_ui.replays.views import replays
from admin_ui.rewards.views import rewards
from admin_ui.subscriptions.views import subscriptions
from admin_ui.sync.drift import drift
from admin_ui.sync.views import sync
from admin_ui.tiers.views import tiers

PAGES = (
    home,
    customers,
    points,
    customer_rewards,
    loyalty,
    versions,
    tiers,
    ways,
    asked,
    ledger,
    imports,
    expiry,
    referrals,
    rewards,
    replays,
    mails,
    money,
    profit,
    subscriptions,
    campaigns,
    previews,
    sync,
    drift,
    effects,
    privacy,
    gallery,
)


def make_panel() -> Blueprint:
    """The panel with its pages, ready to be registered."""
    panel = make_blueprint()
    for pages in PAGES:
        panel.register_blueprint(pages)
    return panel
