"""Where a parcel or bill went, as a number that can be compared and not turned back.

Only this number is kept of a street address: 63 bits of a keyed digest, another for each shop. Spelling is smoothed
first (case, accents, punctuation, "Str." for "Straße"), and flat numbers count, so that neighbours stay apart.
"""

from __future__ import annotations

import re
from functools import lru_cache

from plugin.commerce.terms import fold
from plugin.crypto.secrets import keyed

_STREETS = (("strasse", "str"), ("street", "st"), ("avenue", "ave"), ("road", "rd"), ("ulica", "ul"), ("улица", "ул"))


@lru_cache(maxsize=4096)
def place(
    shop_id: int, address1: str | None, address2: str | None, zip: str | None, city: str | None, country: str | None
) -> int | None:
    """The number of an address; None where street or postcode and city are missing."""
    street = smoothed(f"{address1 or ''} {address2 or ''}")
    where = smoothed(zip or "") or smoothed(city or "")
    if not smoothed(address1 or "") or not where:
        return None
    digest = keyed("place", shop_id, street, where, (country or "").upper())
    return int.from_bytes(digest[:8], "big") >> 1


def smoothed(text: str) -> str:
    """Letters and digits alone, folded, common words for streets shortened."""
    folded = "".join(re.findall(r"\w+", fold(text))).replace("_", "").replace("ß", "ss")
    for long, short in _STREETS:
        folded = folded.replace(long, short)
    return folded
