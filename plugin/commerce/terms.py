"""Words of a customer's name and addresses as search sees them: without case, accents or punctuation."""

from __future__ import annotations

import re
import unicodedata

from plugin.commerce.mailboxes import mailbox

MOST_TERMS = 16
LONGEST_TERM = 64


def fold(text: str) -> str:
    """Lower case without accents: "Nguyễn" and "NGUYEN" are one word. Letters that only look alike stay apart."""
    if text.isascii():
        return text.lower()
    # Decomposed before and after: some letters fold only once they are taken apart, and some come apart only folded.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", kept)


def words(text: str) -> list[str]:
    """The folded words of a text in order, without repeats; at most 16 of at most 64 letters."""
    found = re.findall(r"\w+", fold(text))
    return list(dict.fromkeys(word[:LONGEST_TERM] for word in found))[:MOST_TERMS]


def customer_terms(first_name: str | None, last_name: str | None, email: str | None, phone: str | None) -> list[str]:
    """The rows of `customer_terms` for one customer: each word, the e-mail, its mailbox, the phone's digits."""
    terms = words(" ".join(part for part in (first_name, last_name, email) if part))
    if email:
        terms += [fold(email)[:LONGEST_TERM], mailbox(email)[:LONGEST_TERM]]
    if digits := re.sub(r"\D", "", phone or ""):
        terms.append(digits[:LONGEST_TERM])
    return list(dict.fromkeys(terms))


def sort_name(first_name: str | None, last_name: str | None, email: str | None) -> str:
    """The folded "last first" name for sorting; the e-mail where there is no name."""
    name = " ".join(part for part in (last_name, first_name) if part) or email or ""
    return fold(name)[:200]
