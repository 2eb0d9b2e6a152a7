"""The verbs of loyalty, for everybody above.

Each stands with its own kind: settling.py (orders into points, due dates), redeeming.py (points into codes and back),
adjusting.py (by hand), merging.py (two customers into one), programs.py (the rules themselves), catching_up.py (long
work in steps).
"""

from __future__ import annotations

from plugin.loyalty.adjusting import adjust, undo_adjust
from plugin.loyalty.catching_up import catch_up
from plugin.loyalty.merging import follow_merges, follow_tiers_of_merges
from plugin.loyalty.programs import add_reward, change_reward, pause_reward, save_program
from plugin.loyalty.redeeming import issue, redeem, return_redemption, use_codes
from plugin.loyalty.settling import follow_tiers, settle_due, settle_orders

__all__ = [
    "add_reward",
    "adjust",
    "catch_up",
    "change_reward",
    "follow_merges",
    "follow_tiers",
    "follow_tiers_of_merges",
    "issue",
    "pause_reward",
    "redeem",
    "return_redemption",
    "save_program",
    "settle_due",
    "settle_orders",
    "undo_adjust",
    "use_codes",
]
