"""One shop's rows and words where another shop, its mail's readers or a log can see them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Column, LargeBinary, Table

from plugin.migrations.tables import metadata
from tests.chaos.house import House
from tests.chaos.mailbox import Mailbox
from tests.chaos.world import WORDS

# Pointers that no foreign key holds, because checking them would cost the ledger a third of its speed.
POINTERS_WITHOUT_KEY = {
    "an entry under another shop's program": """
        SELECT shop_id, id, program_id FROM point_entries e WHERE program_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM programs p WHERE p.shop_id = e.shop_id AND p.id = e.program_id)
    """,
    "a lot of another shop's customer": """
        SELECT shop_id, id, customer_id FROM point_lots l
        WHERE NOT EXISTS (SELECT FROM point_accounts a WHERE a.shop_id = l.shop_id AND a.customer_id = l.customer_id)
    """,
}


def leaks(house: House, mails: Mailbox, logs: Path) -> Iterator[str]:
    """A line for each."""
    for table in metadata.sorted_tables:
        if "shop_id" in table.columns:
            yield from _words_of_others(house, table)
    for name, query in POINTERS_WITHOUT_KEY.items():
        yield from (f"{name}: {row}" for row in house.rows(query))
    for recipient, mail in mails.taken():
        others = [word for word in WORDS if word.lower() not in recipient]
        text = mail.as_string()
        yield from (f"a mail to {recipient} names {word}" for word in others if word in text)
    for log in sorted(logs.glob("*.log")):
        text = log.read_text(errors="replace")
        yield from (f"{log.name} names somebody of {word}" for word in WORDS if _names_somebody(text, word))


def _words_of_others(house: House, table: Table) -> Iterator[str]:
    """Every column as text, bytes too: a shop's rows hold no other shop's word."""
    texts = ", ".join(_as_text(column) for column in table.columns)
    query = f"SELECT * FROM {table.name} WHERE shop_id = :shop AND concat_ws(' ', {texts}) ~* :others"
    for place, shop_id in enumerate(house.ids):
        others = "|".join(word for word in WORDS if word != WORDS[place])
        for row in house.rows(query, shop=shop_id, others=others):
            yield f"{table.name} of shop {place} holds another's word: {list(row.values())[:3]}"


def _as_text(column: Column[Any]) -> str:
    return f"encode({column.name}, 'escape')" if isinstance(column.type, LargeBinary) else f"{column.name}::text"


def _names_somebody(text: str, word: str) -> bool:
    """A person's name or address; the shop's own domain may stand in a log."""
    return f"{word} 5" in text or f"@{word.lower()}.example" in text
