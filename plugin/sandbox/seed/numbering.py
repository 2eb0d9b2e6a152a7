"""Ids and tokens of the seeded world: large as the real ones, rising, and the same in every run."""

from random import Random

from plugin.sandbox.records import Counter
from plugin.sandbox.world import FIRST_ID, FIRST_IDS, STRIDE


class Numbering:
    """Hands out ids as the world does, and opaque hexadecimal tokens drawn from `dice`.

    `counters` tells the world where to go on, so that what is made later comes after what was seeded.
    """

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._last: dict[str, int] = {}

    def next(self, kind: str) -> int:
        """The next id of a kind of thing."""
        last = self._last.get(kind)
        self._last[kind] = FIRST_IDS.get(kind, FIRST_ID) if last is None else last + STRIDE
        return self._last[kind]

    def token(self) -> str:
        """32 hexadecimal digits."""
        return f"{self._dice.getrandbits(128):032x}"

    def counters(self) -> list[Counter]:
        """The last id of every kind, under the names that the world's own numbering uses."""
        return [Counter(id=f"{kind} id", value=value) for kind, value in self._last.items()]
