"""Which mailbox an e-mail address ends in: spellings of one address that one person gets the mail of.

Case never matters. What follows a plus is a label of the owner's own at every provider that has such labels. Dots are
ignored by Gmail alone, whose other name is googlemail.com ("Dots don't matter in Gmail addresses" in Google's help).
"""

from __future__ import annotations

from typing import Final

_GMAIL: Final = ("gmail.com", "googlemail.com")


def mailbox(email: str) -> str:
    """The mailbox behind an address, as an address in lower case. What has no @ is only trimmed and lowered."""
    local, at, host = email.strip().lower().rpartition("@")
    if not at:
        return host
    owner = local.partition("+")[0] or local
    if host in _GMAIL:
        return f"{owner.replace('.', '') or owner}@gmail.com"
    return f"{owner}@{host}"


def look(email: str) -> str:
    """What stays of an address without dots, marks and digits: alike for `anna.b1@…` and `anna-b2@…`; "" for none."""
    local, _, host = mailbox(email).rpartition("@")
    letters = "".join(letter for letter in local if letter.isalpha())
    return f"{letters}@{host}" if len(letters) > 3 else ""
