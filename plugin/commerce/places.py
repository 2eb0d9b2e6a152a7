"""Where a parcel or bill went, as a number that can be compared and not turned back.

Only this number is kept of a street address: 63 bits of a keyed digest, another for each shop. Spelling is smoothed
first (case, accents, punctuation, "Str." for "Straße"), and flat numbers count, so that neighbours stay apart.
"""

from __future__ import annotations

import re
from functools import lru_cache

from plugin.commerce.terms import fold
from plugin.crypto.secrets import keyed

_NEITHER_LETTER_NOR_DIGIT = re.compile(r"[\W_]+")
_LONG = re.compile("strasse|street|avenue|road|ulica|улица")
_SHORT = {"strasse": "str", "street": "st", "avenue": "ave", "road": "rd", "ulica": "ul", "улица": "ул"}


@lru_cache(maxsize=4096)
def place(
    shop_id: int, address1: str | None, address2: str | None, zip: str | None, city: str | None, country: str | None
) -> int | None:
    """The number of an address; None where street, or both postcode and city, are missing."""
    street, where = smoothed(f"{address1} {address2}" if address1 and address2 else address1 or ""), smoothed(zip or "")
    where = where or smoothed(city or "")
    if not street or not where:
        return None
    digest = keyed("place", shop_id, street, where, (country or "").upper())
    return int.from_bytes(digest[:8], "big") >> 1


def smoothed(text: str) -> str:
    """Letters and digits alone, folded, common words for streets shortened."""
    bare = _NEITHER_LETTER_NOR_DIGIT.sub("", text)
    return _LONG.sub(lambda found: _SHORT[found[0]], bare.lower() if bare.isascii() else fold(bare))
