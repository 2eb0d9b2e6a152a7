"""When an effect is tried again. Machine time, seconds."""

from __future__ import annotations

MOST_ATTEMPTS = 8
FIRST_SECONDS = 10.0
LONGEST_SECONDS = 3600.0


def delay(attempts: int, luck: float) -> float:
    """Seconds until the next attempt after `attempts` failed ones: 10 s, 30 s, 90 s … 1 h.

    `luck`, 0 to 1, spreads it by a quarter to either side, so that what failed together does not return together.
    """
    steady = min(FIRST_SECONDS * 3.0 ** min(max(attempts - 1, 0), 10), LONGEST_SECONDS)
    return steady * (0.75 + luck / 2)
