"""Where the product can connect to at all. Nothing of it calls an address that a merchant or a shopper typed, so there
is nothing to forge a request with (SSRF); whoever adds such a door has to say here what keeps it from inside."""

from __future__ import annotations

import ast
from pathlib import Path

from plugin.config import ROOT, Platform
from tests.contracts.test_house import PRODUCT, imports, names, python_files

CLIENTS = {"requests", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request", "ftplib", "telnetlib"}
CLIENTS |= {"socket", "smtplib", "imaplib", "poplib", "asyncio", "xmlrpc.client"}
CALLS_OUT = {
    "plugin/shopify/client.py": "the Admin API of a shop whose domain was verified (Platform.shop_domain)",
    "plugin/shops/remote.py": "the token exchange of the same",
    "plugin/sync/remote.py": "a bulk result, at the address the Admin API gave",
    "plugin/mail/smtp.py": "the mail server of SMTP_URL",
    "plugin/doctor/connections.py": "the operator's own SMTP_URL, at the operator's command",
    "plugin/db/pulses.py": "calls nobody: the machine's own name",
}
SECRET_WORDS = ("signature", "hmac", "mac", "token", "secret", "password")


def test_only_these_modules_can_call_out_and_none_calls_what_a_merchant_typed() -> None:
    callers = {
        str(path.relative_to(ROOT))
        for path in python_files(*PRODUCT)
        if not {"sandbox", "local"} & set(path.parts) and CLIENTS & roots(path)
    }
    assert callers == set(CALLS_OUT)


def roots(path: Path) -> set[str]:
    return {part for name in imports(path) for part in (name, name.split(".")[0])}


def test_the_address_of_a_store_is_made_from_its_verified_domain_alone() -> None:
    platform = Platform()
    for inside in ("127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "169.254.169.254", "localhost:6379", "x@y"):
        assert not platform.is_shop_domain(inside)
        assert not platform.is_shop_domain(f"{inside}/.myshopify.com")
        assert not platform.is_shop_domain(f"{inside}#.myshopify.com")
    assert platform.base("vec-shop.myshopify.com") == "https://vec-shop.myshopify.com"


def test_secrets_are_compared_in_constant_time() -> None:
    """`==` on a signature tells by its time how much of a guess was right."""
    wrong = []
    for path in python_files(*PRODUCT):
        if "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                sides = [node.left, *node.comparators]
                if sum(is_secret(side) for side in sides) and not any(isinstance(side, ast.Constant) for side in sides):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert wrong == []


def is_secret(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.lower() in SECRET_WORDS or name.lower().endswith(("_signature", "_hmac", "_mac", "_secret"))


def test_money_and_points_are_never_floats() -> None:
    where = list(python_files("plugin/loyalty", "plugin/commerce", "plugin/insights"))
    assert where
    assert [str(path) for path in where if calls_float(path)] == []


def calls_float(path: Path) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
        for node in ast.walk(ast.parse(path.read_text()))
    )


def test_the_checks_of_this_file_see_what_they_look_for(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import urllib.request\nfrom socket import create_connection\nx = float('1')\n")
    assert CLIENTS & roots(bad) == {"urllib.request", "socket"} and calls_float(bad)
    assert "create_connection" in names(bad)
