"""The causal map, outwards: kind of effect → who performs it.

One line a kind. `plugin.effects.performing` makes the calls; the composition root hands it this table.
"""

from __future__ import annotations

from plugin.effects.performing import Performer

PERFORMERS: dict[str, Performer] = {}
