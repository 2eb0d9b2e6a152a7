"""What the product has against what must be. Every difference is one line in one of five lists.

lost: answered 200 and not in effect. doubled: in effect more than once. drift: a row that says something else than the
model. leaks: one shop's row or word where another shop, or a log, can see it. dup_mails: a marketing mail taken twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.chaos import model, walls
from tests.chaos.house import House
from tests.chaos.mailbox import Mailbox
from tests.chaos.report import Report, compare, same
from tests.chaos.sender import Sender
from tests.chaos.shoppers import Granted
from tests.chaos.store import Stores
from tests.chaos.traffic import Cart
from tests.chaos.world import World

Rows = list[dict[str, Any]]


@dataclass
class Checker:
    """Everything that was recorded, and where the product's side of it is."""

    house: House
    worlds: list[World]
    sender: Sender
    stores: Stores
    mails: Mailbox
    logs: Path

    def check(self, granted: Granted, carts: Iterable[Cart], moves: list[timedelta]) -> Report:
        """All comparisons. `moves` are how far the clock was moved after each round."""
        report = Report()
        self._webhooks(report)
        for world, shop_id in zip(self.worlds, self.house.ids, strict=True):
            self._customers(report, world, shop_id)
            self._orders(report, world, shop_id)
            self._points(report, world, shop_id)
            self._redemptions(report, world, shop_id, granted)
            self._checkouts(report, world, shop_id)
        self._carts(report, carts, moves)
        self._mails(report)
        report.leaks += walls.leaks(self.house, self.mails, self.logs)
        return report

    # What came in

    def _webhooks(self, report: Report) -> None:
        """Every acknowledged delivery is a row that was applied; nothing is stuck anywhere."""
        kept = {(row["shop_id"], row["webhook_id"]): row for row in self.house.rows("SELECT * FROM inbox ORDER BY id")}
        for place, webhook_id in self.sender.acked:
            row = kept.get((self.house.ids[place], webhook_id))
            if row is None:
                report.lost.append(f"shop {place} webhook {webhook_id} is not in the inbox")
            elif row["state"] != "done":
                report.lost.append(
                    f"shop {place} webhook {webhook_id} {row['topic']} is {row['state']}: {row['error']}"
                )
        for row in self.house.rows("SELECT * FROM outbox WHERE state <> 'done'"):
            report.lost.append(
                f"effect {row['kind']} {row['key']} of shop {row['shop_id']} is {row['state']}: {row['error']}"
            )
        for row in self.house.rows("SELECT * FROM drain_marks"):
            report.lost.append(f"a batch of shop {row['shop_id']} was begun and not finished")

    def _customers(self, report: Report, world: World, shop_id: int) -> None:
        held = self._by(shop_id, "SELECT * FROM customers WHERE shop_id = :shop", "id")
        for id, body in world.customers.items():
            consent = world.consents[id][0]
            wanted = {"known": True, "email": body["email"], "first_name": body["first_name"], "email_consent": consent}
            compare(
                report, f"shop {world.place} customer {id}", held.get(id), wanted | {"last_name": body["last_name"]}
            )

    def _orders(self, report: Report, world: World, shop_id: int) -> None:
        held = self._by(shop_id, "SELECT * FROM orders WHERE shop_id = :shop", "id")
        lines = self._grouped(shop_id, "SELECT * FROM order_lines WHERE shop_id = :shop", "order_id")
        returned = self._grouped(shop_id, "SELECT * FROM refund_lines WHERE shop_id = :shop", "order_id")
        for id, body in world.orders.items():
            name = f"shop {world.place} order {id}"
            if id in world.deleted:
                if held.get(id) is None or held[id]["deleted_at"] is None:
                    report.drift.append(f"{name} was deleted and is there")
                continue
            compare(report, name, held.get(id), _wanted_order(body))
            same(
                report, f"{name} lines", _triples(lines[id], "id", "quantity", "current_quantity"), _wanted_lines(body)
            )
            same(
                report,
                f"{name} returns",
                _triples(returned[id], "refund_id", "line_id", "quantity"),
                _wanted_returns(body),
            )
        for id in held.keys() - world.orders.keys():
            report.drift.append(f"shop {world.place} order {id} never was")

    def _checkouts(self, report: Report, world: World, shop_id: int) -> None:
        held = self._by(shop_id, "SELECT * FROM checkouts WHERE shop_id = :shop", "token")
        for token, body in world.checkouts.items():
            row = held.get(token)
            if row is None or (row["completed_at"] is None) != (body["completed_at"] is None):
                report.drift.append(f"shop {world.place} checkout {token} is {row and row['completed_at']}")

    # Points

    def _points(self, report: Report, world: World, shop_id: int) -> None:
        """Orders, accounts, lots and ledger say the same as the model, and as each other."""
        accounts, by_order = model.accounts(world.orders.values(), world.deleted)
        posted = self._sums(shop_id, "order_id", "kind IN ('earn', 'claw')")
        for id, points in by_order.items():
            if posted[id] > points:
                report.doubled.append(f"shop {world.place} order {id}: {posted[id]} points posted for {points}")
            elif posted[id] < points:
                report.drift.append(f"shop {world.place} order {id}: {posted[id]} points posted for {points}")
        spent = self._sums(shop_id, "customer_id", "kind IN ('redeem', 'return')")
        ledger = self._sums(shop_id, "customer_id", "true")
        lots = self._grouped(shop_id, "SELECT * FROM point_lots WHERE shop_id = :shop", "customer_id")
        held = self._by(shop_id, "SELECT * FROM point_accounts WHERE shop_id = :shop", "customer_id")
        for customer, account in accounts.items():
            name = f"shop {world.place} account {customer}"
            points = account.earned + spent[customer]
            wanted = {"available": max(points, 0), "pending": 0, "debt": max(-points, 0), "tier_name": account.tier}
            compare(report, name, held.get(customer), wanted | {"tier_spend_minor": account.spend_minor})
            same(report, f"{name} in the ledger", ledger[customer], points)
            same(report, f"{name} in lots", sum(lot["remaining"] for lot in lots[customer]), max(points, 0))
        self._never_below_zero(report, world, shop_id)

    def _never_below_zero(self, report: Report, world: World, shop_id: int) -> None:
        """Nobody ever spent what was not there: in the order of writing, no redemption takes a balance below zero."""
        balance: Counter[int] = Counter()
        for entry in self.house.rows("SELECT * FROM point_entries WHERE shop_id = :shop ORDER BY id", shop=shop_id):
            balance[entry["customer_id"]] += entry["points"]
            if entry["kind"] == "redeem" and balance[entry["customer_id"]] < 0:
                report.doubled.append(f"shop {world.place} customer {entry['customer_id']} overspent: {entry['key']}")

    def _redemptions(self, report: Report, world: World, shop_id: int, granted: Granted) -> None:
        held = self._by(shop_id, "SELECT * FROM redemptions WHERE shop_id = :shop", "id")
        keys = {(row["customer_id"], row["request_key"]): row["id"] for row in held.values()}
        for (place, customer, key), id in granted.clicks.items():
            if place == world.place and keys.get((customer, key)) != id:
                report.lost.append(f"shop {place} redemption {id} of click {key} was granted and is not there")
        report.leaks += granted.leaks if world.place == 0 else []
        report.doubled += [line for line in granted.contradicted if line.startswith(f"shop {world.place} ")]
        paid = Counter(
            row["redemption_id"]
            for row in self.house.rows(
                "SELECT * FROM point_entries WHERE shop_id = :shop AND kind = 'redeem'", shop=shop_id
            )
        )
        for id, row in held.items():
            name = f"shop {world.place} redemption {id}"
            same(report, f"{name} entries", paid[id], 1)
            made = self.stores.acted[(world.domain, "code", row["code"])]
            if made > 1:
                report.doubled.append(f"{name}: its code was made {made} times")
            if row["state"] in ("issued", "used") and not made:
                report.lost.append(f"{name} is {row['state']} and the store has no code")
            if row["state"] == "reserved":
                report.lost.append(f"{name} is still reserved")
            if row["state"] == "returned" and made and not world.codes[row["code"]]["ended"]:
                report.doubled.append(f"{name} was returned and its code still works")
        for code in world.codes.keys() - {row["code"] for row in held.values()}:
            report.drift.append(f"shop {world.place}: the store has {code}, which nobody redeemed")
        used = {each["code"] for order in world.orders.values() for each in order["discount_codes"]}
        for row in held.values():
            if (row["state"] == "used") != (row["code"] in used):
                report.drift.append(
                    f"shop {world.place} redemption {row['id']} is {row['state']}, used: {row['code'] in used}"
                )

    # Mails

    def _carts(self, report: Report, carts: Iterable[Cart], moves: list[timedelta]) -> None:
        """Each cart got exactly the mails it must get; one that nobody knows the fate of counts as sent."""
        sent: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
        query = """
            SELECT m.shop_id, e.checkout_token, split_part(m.key, ':', 3) AS step, m.state, m.reason
            FROM messages m JOIN enrollments e ON e.shop_id = m.shop_id AND e.id = m.subject_id
            WHERE m.kind = 'cart' AND m.state <> 'skipped'
        """
        for row in self.house.rows(query):
            sent[(row["shop_id"], row["checkout_token"])][row["step"]] += 1
            if row["state"] not in ("sent", "unknown"):
                report.lost.append(
                    f"shop {row['shop_id']} cart mail {row['checkout_token']} is {row['state']}: {row['reason']}"
                )
        for cart in carts:
            wanted = Counter({str(step): 1 for step in expected_mails(cart, moves)})
            found = sent[(self.house.ids[cart.shop], cart.token)]
            same(report, f"shop {cart.shop} cart {cart.token} mails", dict(found), dict(wanted))

    def _mails(self, report: Report) -> None:
        """What the mailbox took is what the product says it sent, and no marketing mail came twice."""
        report.dup_mails += self.mails.twice()
        taken = Counter(mail["Message-ID"] for _, mail in self.mails.taken())
        known: set[str] = set()
        for row in self.house.rows("SELECT shop_id, kind, key, state, message_id, reason FROM messages"):
            name = f"mail {row['key']} of shop {row['shop_id']}"
            known.add(row["message_id"])
            if row["state"] == "sent" and not taken[row["message_id"]]:
                report.lost.append(f"{name} is sent and nobody got it")
            if row["kind"] == "reward" and row["state"] != "sent":
                report.lost.append(f"{name} is {row['state']}: {row['reason']}")
        report.drift += [f"the mailbox has {id}, which nobody sent" for id in taken.keys() - known]
        missing = """
            SELECT r.shop_id, r.id FROM redemptions r WHERE r.state IN ('issued', 'used') AND r.issued_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM messages m WHERE m.shop_id = r.shop_id AND m.key = 'reward:' || r.id)
        """
        for row in self.house.rows(missing):
            report.lost.append(f"redemption {row['id']} of shop {row['shop_id']} was not told by mail")

    # Walls

    # Reading

    def _by(self, shop_id: int, query: str, column: str) -> dict[Any, dict[str, Any]]:
        return {row[column]: row for row in self.house.rows(query, shop=shop_id)}

    def _grouped(self, shop_id: int, query: str, column: str) -> dict[Any, Rows]:
        groups: dict[Any, Rows] = defaultdict(list)
        for row in self.house.rows(query, shop=shop_id):
            groups[row[column]].append(row)
        return groups

    def _sums(self, shop_id: int, column: str, where: str) -> Counter[int]:
        query = f"SELECT {column} AS of, sum(points)::bigint AS n FROM point_entries WHERE shop_id = :shop AND {where}"
        rows = self.house.rows(f"{query} GROUP BY {column}", shop=shop_id)
        return Counter({row["of"]: row["n"] for row in rows if row["of"] is not None})


def expected_mails(cart: Cart, moves: list[timedelta]) -> list[int]:
    """The steps that must have been sent: the first is due an hour after the cart, each next a day after the first.

    Time within a round is short against that, so the clock's moves alone decide; who ordered gets nothing more.
    """
    delays = [timedelta(hours=1), timedelta(hours=23)]
    sent: list[int] = []
    waited = timedelta()
    for number, move in enumerate(moves):
        if number < cart.left_in:
            continue
        if cart.ordered_in is not None and cart.ordered_in <= number:
            break
        waited += move
        if len(sent) < len(delays) and waited >= delays[len(sent)]:
            sent.append(len(sent) + 1)
            waited = timedelta()
    return sent


def _wanted_order(body: dict[str, Any]) -> dict[str, Any]:
    cancelled = body["cancelled_at"]
    return {
        "known": True,
        "deleted_at": None,
        "customer_id": body["customer"]["id"],
        "financial_status": body["financial_status"],
        "current_total_minor": model.minor(body["current_total_price"]),
        "total_minor": model.minor(body["total_price"]),
        "cancelled_at": datetime.fromisoformat(cancelled) if cancelled else None,
    }


def _wanted_lines(body: dict[str, Any]) -> list[tuple[int, int, int]]:
    return _triples(body["line_items"], "id", "quantity", "current_quantity")


def _wanted_returns(body: dict[str, Any]) -> list[tuple[int, int, int]]:
    return sorted(
        (refund["id"], line["line_item_id"], line["quantity"])
        for refund in body["refunds"]
        for line in refund["refund_line_items"]
    )


def _triples(rows: Rows, *columns: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row[column] for column in columns) for row in rows)
