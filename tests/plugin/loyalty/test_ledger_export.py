"""The export of the ledger, and that a stranger with Python alone can recompute it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.books import exporting, sealing
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import START, at, customer, order, program, refund, reward, settle

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHECKER = exporting.CHECKER


@pytest.fixture
def busy(shop: Shop, other_shop: Shop) -> Shop:
    """Two sealed days and one that is open: an order, a refund after spending, a gift; next door the same."""
    for each in (other_shop, shop):
        for day in range(3):
            with db.transaction(each.id) as session:
                at(session, NOON + timedelta(days=day))
                if day == 0:
                    program(session, each, starts_at=START)
                    bought = reward(session, each, 100).id
                    customer(session, each, 1)
                    order(session, each, 1, 1, NOON)
                    settle(session, each, 1)
                elif day == 1:
                    loyalty.redeem(session, each, 1, bought, "click-00001")
                    refund(session, each, 1, 1, NOON + timedelta(days=1), {0: 1})
                    settle(session, each, 1)
                else:
                    loyalty.adjust(session, each, 1, 250, "sorry", "staff:1", "gift")
            if day < 2:
                with db.transaction(each.id) as session:
                    at(session, NOON + timedelta(days=day))
                    sealing.seal_due(session, each)
    return shop


def exported(shop: Shop, path: Path) -> Path:
    exporting.write(shop, path)
    return path


def check(*arguments: str | Path) -> tuple[int, str]:
    """As a stranger does it: the script alone, without the product or its packages."""
    ran = subprocess.run([sys.executable, "-I", "-S", CHECKER, *arguments], capture_output=True, text=True, cwd="/")
    assert not ran.stderr, ran.stderr
    return ran.returncode, ran.stdout


def test_the_checker_is_short_and_stands_alone() -> None:
    assert len(CHECKER.read_text().splitlines()) < 100


def test_an_export_adds_up_and_shows_a_balance_entry_by_entry(busy: Shop, tmp_path: Path) -> None:
    status, said = check(exported(busy, tmp_path / "ledger.zip"), "1")
    assert (status, said.splitlines()[-1]) == (0, "Everything adds up: 1 customers, 2 seals.")
    assert said.splitlines()[-2].endswith("+250  = 150")


def test_an_export_holds_everything_of_one_shop(busy: Shop, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported(busy, tmp_path / "ledger.zip")) as archive:
        tables = {name: archive.read(name).splitlines() for name in archive.namelist() if name.endswith(".jsonl")}
        assert archive.read("checker.py") == CHECKER.read_bytes() and busy.domain in archive.read("README.txt").decode()
    with db.transaction(busy.id) as session:
        counted = {
            name: session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for name, table in {"accounts": "point_accounts", "lots": "point_lots", "redemptions": "redemptions",
                                "lot_uses": "lot_uses", "notes": "point_notes", "entries": "point_entries",
                                "seals": "ledger_seals"}.items()
        }  # fmt: skip
    assert {name.removesuffix(".jsonl"): len(lines) for name, lines in tables.items()} == counted
    assert counted["entries"] == 4 and json.loads(tables["notes.jsonl"][0])["note"] == "sorry"


def tampered(source: Path, target: Path, name: str, change: Callable[[list[bytes]], list[bytes]]) -> Path:
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for member in before.namelist():
            body = before.read(member)
            if member == name:
                body = b"".join(line + b"\n" for line in change(body.splitlines()))
            after.writestr(member, body)
    return target


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("entries.jsonl", lambda rows: [rows[0].replace(b"150", b"151"), *rows[1:]], "does not fit its entries"),
        ("entries.jsonl", lambda rows: rows[1:], "Seal 1 of 2026-03-01 does not fit its entries"),
        ("entries.jsonl", lambda rows: rows[:-1], "Customer 1: the account says 150, the entries sum to -100."),
        ("entries.jsonl", lambda rows: [*rows[:3], rows[3].replace(b":250", b":251")], "does not sum to zero"),
        ("entries.jsonl", lambda rows: rows[::-1], "stands after entry"),
        ("seals.jsonl", lambda rows: rows[1:], "Seal 1 is missing."),
        ("lots.jsonl", lambda rows: rows[:-1], "the lots do not hold"),
        ("accounts.jsonl", lambda rows: [], "has entries and no account"),
    ],
)
def test_the_checker_tells_what_was_changed(
    busy: Shop, tmp_path: Path, name: str, change: Callable[[list[bytes]], list[bytes]], sentence: str
) -> None:
    whole = exported(busy, tmp_path / "ledger.zip")
    status, said = check(tampered(whole, tmp_path / "other.zip", name, change))
    assert status == 1 and sentence in said, said


def test_a_rewritten_past_does_not_continue_an_older_export(busy: Shop, other_shop: Shop, tmp_path: Path) -> None:
    older, newer = exported(busy, tmp_path / "older.zip"), tmp_path / "newer.zip"
    with db.transaction(busy.id) as session:
        at(session, NOON + timedelta(days=5))
        sealing.seal_due(session, busy)
    assert check(exported(busy, newer), older)[0] == 0
    assert "does not continue" in check(newer, exported(other_shop, tmp_path / "theirs.zip"))[1]
