"""Connections do not survive a fork: an answer that belongs to another process would be another shop's data."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from sqlalchemy import Engine

from plugin.config import ROOT

# The engine is used before the fork, then four children ask 200 questions each, all at once.
PROGRAM = """
    import os, sys
    from sqlalchemy import text
    from plugin.db.engine import engine, forget_connections

    def ask(number):
        with engine().connect() as connection:
            return connection.execute(text("SELECT CAST(:n AS int)"), {"n": number}).scalar_one()

    assert ask(7) == 7
    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:
            forget_connections()
            wrong = 0
            for turn in range(200):
                wrong += ask(child * 1000 + turn) != child * 1000 + turn
            os._exit(min(wrong, 100))
        children.append(pid)
    print([os.waitpid(pid, 0)[1] for pid in children], ask(8))
"""


def test_four_children_get_their_own_answers_only(database: Engine) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "[0, 0, 0, 0] 8", ran.stderr[-500:]


def test_connections_to_stores_are_not_shared_with_a_child(services: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from plugin.shopify import client
    from plugin.shopify.documents import document

    call = client._Call("vec-shop.myshopify.com", "token", document("ShopInfo"), {}, 0.0)
    mine = client._session(call)
    assert client._session(call) is mine
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert client._session(call) is not mine
