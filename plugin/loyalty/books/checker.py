"""Recomputes a ledger from its export, with nothing but Python: `python checker.py export.zip [customer] [older.zip]`.

Each balance is the sum of its entries; each entry has two sides that sum to zero; the seals chain all entries, so none
was changed, removed or put in since. With a customer's number it shows that balance entry by entry; with an older
export it also tells whether this one continues it. Exit status 0: everything adds up.
"""

import hashlib
import json
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from typing import Any


def rows(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[bytes, Any]]:
    with archive.open(name) as lines:
        for line in lines:
            yield line.rstrip(b"\n"), json.loads(line)


def check_chain(archive: zipfile.ZipFile) -> tuple[dict[int, int], list[Any], list[str]]:
    balances: dict[int, int] = defaultdict(int)
    wrong: list[str] = []
    seals = [seal for _, seal in rows(archive, "seals.jsonl")]
    waiting, number, last, between = iter(seals), 0, 0, 0
    seal, digest, count = next(waiting, None), hashlib.sha256(b"\n"), 0
    for raw, entry in rows(archive, "entries.jsonl"):
        while seal and entry["id"] > seal["through_id"]:
            wrong += close(seal, digest, count, number + 1)
            number, digest, count = seal["number"], hashlib.sha256(seal["digest"].encode() + b"\n"), 0
            seal = next(waiting, None)
        if entry["id"] <= last:
            wrong.append(f"Entry {entry['id']} stands after entry {last}.")
        if entry["points"] + entry["counter_points"]:
            wrong.append(f"Entry {entry['id']} does not sum to zero.")
        digest.update(raw + b"\n")
        count, last = count + 1, entry["id"]
        balances[entry["customer_id"]] += entry["points"]
        between += entry["counter_points"] * (entry["counter_account"] == "customers")
    if seal:
        wrong += [*close(seal, digest, count, number + 1), *(f"Seal {each['number']} is empty." for each in waiting)]
    if between:
        wrong.append("Moving points between customers made or lost some.")
    return balances, seals, wrong


def close(seal: Any, digest: Any, count: int, number: int) -> Iterator[str]:
    if seal["number"] != number:
        yield f"Seal {number} is missing."
    if (seal["digest"], seal["entries"]) != (digest.hexdigest(), count):
        yield f"Seal {seal['number']} of {seal['day']} does not fit its entries, up to entry {seal['through_id']}."


def check_accounts(archive: zipfile.ZipFile, balances: dict[int, int]) -> list[str]:
    wrong: list[str] = []
    lots: dict[tuple[int, bool], int] = defaultdict(int)
    for _, lot in rows(archive, "lots.jsonl"):
        lots[lot["customer_id"], lot["pending"]] += lot["remaining"]
    unseen = dict(balances)
    for _, account in rows(archive, "accounts.jsonl"):
        who = account["customer_id"]
        held = account["available"] + account["pending"] - account["debt"]
        if held != unseen.pop(who, 0):
            wrong.append(f"Customer {who}: the account says {held}, the entries sum to {balances.get(who, 0)}.")
        if (account["available"], account["pending"]) != (lots[who, False], lots[who, True]):
            wrong.append(f"Customer {who}: the lots do not hold what the account says.")
        if account["available"] and account["debt"]:
            wrong.append(f"Customer {who} owes points and could spend some.")
    return wrong + [f"Customer {who} has entries and no account." for who, points in unseen.items() if points]


def show(archive: zipfile.ZipFile, customer: int) -> None:
    balance = 0
    for _, entry in rows(archive, "entries.jsonl"):
        if entry["customer_id"] == customer:
            points, balance = entry["points"], balance + entry["points"]
            print(f"{entry['id']:>12}  {entry['occurred_at'][:10]}  {entry['kind']:<10}{points:>+10}  = {balance}")


def main(name: str, *more: str) -> int:
    with zipfile.ZipFile(name) as archive:
        balances, seals, wrong = check_chain(archive)
        wrong += check_accounts(archive, balances)
        for customer in filter(str.isdecimal, more):
            show(archive, int(customer))
    for older in (each for each in more if not each.isdecimal()):
        with zipfile.ZipFile(older) as archive:
            before = [seal for _, seal in rows(archive, "seals.jsonl")]
        if before != seals[: len(before)]:
            wrong.append(f"This export does not continue {older}.")
    print(*wrong, sep="\n", end="\n" * bool(wrong))
    print(f"{len(wrong)} faults" if wrong else f"Everything adds up: {len(balances)} customers, {len(seals)} seals.")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
