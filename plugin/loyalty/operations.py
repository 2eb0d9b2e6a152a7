"""The verbs of loyalty, for everybody above.

Each stands with its own kind: settling.py (orders into points, due dates), redeeming.py (points into rewards),
returning.py (and back), adjusting.py (by hand), merging.py (two customers into one), programs.py (the rules),
rewards.py (what points buy), catching_up.py (long work in steps).
"""

from __future__ import annotations

from plugin.loyalty.adjusting import adjust, undo_adjust
from plugin.loyalty.catching_up import catch_up
from plugin.loyalty.merging import follow_merges, follow_tiers_of_merges
from plugin.loyalty.programs import save_program
from plugin.loyalty.redeeming import issue, redeem, use_codes
from plugin.loyalty.returning import return_redemption, take_back, take_back_own
from plugin.loyalty.rewards import add_reward, archive_reward, change_reward, go_back, pause_reward
from plugin.loyalty.settling import settle_due, settle_orders
from plugin.loyalty.tiers.following import follow_tiers

__all__ = [
    "add_reward",
    "adjust",
    "archive_reward",
    "catch_up",
    "change_reward",
    "follow_merges",
    "follow_tiers",
    "follow_tiers_of_merges",
    "go_back",
    "issue",
    "pause_reward",
    "redeem",
    "return_redemption",
    "save_program",
    "settle_due",
    "settle_orders",
    "take_back",
    "take_back_own",
    "undo_adjust",
    "use_codes",
]
