"""News that got lost: one comparison with the store, and the mirror is as if everything had come."""

from __future__ import annotations

import random
from typing import Any

import pytest

from plugin.shops import queries as shops
from plugin.sync import checks, passes
from plugin.sync.models import DriftCheck
from tests.sandbox import Store, store  # noqa: F401

OFF = {"drop": 0, "duplicate": 0, "delay_seconds": 0, "shuffle": False}


@pytest.fixture(scope="module")
def installed(store: Store) -> Store:  # noqa: F811
    store.install()
    return store


def reconcile(store: Store, *kinds: str) -> dict[str, DriftCheck]:  # noqa: F811
    shop = shops.by_domain(store.shop)
    assert shop is not None
    store.advance(minutes=2)
    return {check.object: check for check in passes.run(shop.id, kinds or checks.KINDS, seconds=60)}


def findings(store: Store, check: DriftCheck) -> list[tuple[str, str, str]]:  # noqa: F811
    query = "SELECT key, reason, outcome FROM drift_findings WHERE check_id = :id AND outcome <> 'same' ORDER BY key"
    return [(row["key"], row["reason"], row["outcome"]) for row in store.rows(query, id=check.id)]


def unheard(store: Store, path: str, body: Any = None) -> Any:  # noqa: F811
    """Something happens in the store, and none of its webhooks leaves."""
    store.post("/_control/faults", OFF | {"drop": 1})
    answer = store.post(path, body)
    store.post("/_control/faults", OFF)
    return answer


def test_a_mirror_that_heard_everything_has_no_drift(installed: Store) -> None:
    found = reconcile(installed)
    counts = installed.get("/_control/summary")["counts"]
    assert {kind: check.state for kind, check in found.items()} == dict.fromkeys(checks.KINDS, "done")
    assert {kind: check.differed for kind, check in found.items()} == dict.fromkeys(checks.KINDS, 0)
    assert (found["orders"].total, found["orders"].compared) == (counts["order"], counts["order"])
    assert installed.rows("SELECT * FROM drift_findings") == []
