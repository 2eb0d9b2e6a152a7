"""Whose turn it is: one effect of each shop that has some due, then the next round. So no shop waits for another's.

What somebody waits for comes first, then the usual, then what is patient. A store that asks to be left alone is left
alone by this process for that long; its effects wait in their rows and cost no try.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import monotonic

from plugin.db.locks import alone
from plugin.effects.claims import claim_of, shops_due
from plugin.effects.performing import perform

LONGEST_REST_SECONDS = 60.0  # then it is asked again, because another process may know better

_resting_until: dict[int, float] = {}
_last_served = 0


def perform_due(seconds: float = 20.0) -> int:
    """Perform what is due in any shop for about `seconds`; how many effects were taken.

    Patient effects come last and in one process at a time: an import's hundreds of reads may not keep all processes.
    """
    ends = monotonic() + seconds
    taken = _usual(ends)
    with alone("patient effects") as mine:
        while mine and (done := _patient_round(ends)):
            taken += done
    return taken


def _usual(ends: float) -> int:
    taken = 0
    while done := sum(_take_turn(shop_id) for shop_id in _in_turn(shops_due(), ends)):
        taken += done
    return taken


def _patient_round(ends: float) -> int:
    """One patient effect of each shop; before the next, whatever else has become due."""
    taken = 0
    for shop_id in _in_turn(shops_due(patient=True), ends):
        if _take_turn(shop_id, patient=True):
            taken += 1 + _usual(ends)
    return taken


def _in_turn(due: Mapping[int, bool], ends: float) -> Iterator[int]:
    """Shops where somebody waits, then the others, going on after the one that was served last."""
    served = _last_served
    for shop_id in sorted(due, key=lambda shop_id: (not due[shop_id], shop_id <= served, shop_id)):
        if monotonic() < ends and _resting_until.get(shop_id, 0.0) <= monotonic():
            yield shop_id


def _take_turn(shop_id: int, patient: bool = False) -> bool:
    global _last_served
    claim = claim_of(shop_id, patient)
    if claim is None:
        return False
    _last_served = shop_id
    rest = perform(claim)
    _resting_until.pop(shop_id, None)
    if rest:
        _resting_until[shop_id] = monotonic() + min(rest, LONGEST_REST_SECONDS)
    return True
