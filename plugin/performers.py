"""The causal map, outwards: kind of effect → who performs it.

One line a kind. `plugin.effects.performing` makes the calls; the composition root hands it this table.
"""

from __future__ import annotations

from plugin.effects.performing import Performer
from plugin.loyalty import issuing, remote

PERFORMERS: dict[str, Performer] = {
    "discount_code": Performer(remote.create_code, issuing.code_made, remote.find_code, issuing.code_refused),
}
