"""The switches by which a bulk query, or the reading of its result, goes wrong."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.sandbox.admin_api import bulk_faults
from plugin.sandbox.runtime import Sandbox
from tests.plugin.sandbox.conftest import buy
from tests.plugin.sandbox.graph import Admin
from tests.plugin.sandbox.test_bulk import ORDERS, RUN, lines_of, run

PARTIAL = "query($id: ID!) { bulkOperation(id: $id) { status url partialDataUrl } }"


@pytest.fixture
def admin(client: FlaskClient, store: Sandbox) -> Admin:
    for _ in range(4):
        buy(store.world, 1, 1)
    return Admin(client, store)


def will(admin: Admin, *faults: dict[str, Any]) -> Any:
    return admin.client.post("/_control/bulk", json={"operations": list(faults)})


@pytest.mark.parametrize(
    ("fault", "status", "code", "objects"),
    [
        ({"outcome": "failed"}, "FAILED", "INTERNAL_SERVER_ERROR", 0),
        ({"outcome": "timeout", "after": 2}, "FAILED", "TIMEOUT", 6),
        ({"outcome": "denied"}, "FAILED", "ACCESS_DENIED", 0),
        ({"outcome": "cancelled", "after": 1}, "CANCELED", None, 3),
        ({"outcome": "expired"}, "EXPIRED", None, 12),
    ],
)
def test_a_query_ends_as_the_switch_says_and_the_next_one_well(
    admin: Admin, fault: dict[str, Any], status: str, code: str | None, objects: int
) -> None:
    assert will(admin, {"of": "orders"} | fault, {"of": "customers", "outcome": "failed"}).json["waiting"] == 2
    ended = run(admin, ORDERS)
    assert (ended["status"], ended["errorCode"], ended["objectCount"], ended["url"]) == (
        status,
        code,
        str(objects),
        None,
    )
    assert run(admin, ORDERS)["status"] == "COMPLETED"
    assert admin.client.get("/_control/bulk").json["waiting"] == 1


def test_what_there_is_of_a_failed_result_may_end_within_a_line(admin: Admin, store: Sandbox) -> None:
    will(admin, {"outcome": "timeout", "after": 2, "torn": True})
    run(admin, ORDERS)
    [operation] = store.world.bulk_operations
    told = admin.data(PARTIAL, id=f"gid://shopify/BulkOperation/{operation.id}")["bulkOperation"]
    assert told["url"] is None
    text = admin.client.get(told["partialDataUrl"].partition("127.0.0.1:8801")[2]).get_data(as_text=True)
    *whole, torn = text.split("\n")
    assert len([json.loads(line) for line in whole]) == 5
    with pytest.raises(ValueError, match="Unterminated|Expecting"):
        json.loads(torn)


def test_rows_may_stand_away_from_their_parents(admin: Admin) -> None:
    will(admin, {"scattered": True})
    rows = lines_of(admin, run(admin, ORDERS))
    assert ["__parentId" in row for row in rows] == [False] * 4 + [True] * 8


def test_a_download_is_a_part_breaks_off_or_is_gone(admin: Admin, store: Sandbox) -> None:
    will(admin, {"cuts": 1, "cut_bytes": 50})
    operation = run(admin, ORDERS)
    path = operation["url"].partition("127.0.0.1:8801")[2]
    cut = admin.client.get(path, headers={"Range": "bytes=10-"})
    assert (cut.status_code, int(cut.headers["Content-Length"])) == (206, int(operation["fileSize"]) - 10)
    got = bytearray()
    with pytest.raises(ConnectionAbortedError):
        for block in cut.iter_encoded():
            got += block
    whole = admin.client.get(path).data
    assert bytes(got) == whole[10:60]
    assert admin.client.get(path, headers={"Range": "bytes=10-"}).data == whole[10:]
    admin.client.post("/_control/bulk/expire")
    assert admin.client.get(path).status_code == 403
    will(admin, {"gone": True})
    assert admin.client.get(run(admin, ORDERS)["url"].partition("127.0.0.1:8801")[2]).status_code == 403


def test_results_expire_after_seven_days(admin: Admin, store: Sandbox) -> None:
    run(admin, ORDERS)
    [operation] = store.world.bulk_operations
    id = f"gid://shopify/BulkOperation/{operation.id}"
    store.world.advance(7 * 86_400 - 60)
    assert admin.data(PARTIAL, id=id)["bulkOperation"]["status"] == "COMPLETED"
    store.world.advance(120)
    told = admin.data(PARTIAL, id=id)["bulkOperation"]
    assert (told["status"], told["url"]) == ("EXPIRED", None)


def test_a_slow_query_can_be_stopped_by_a_person(admin: Admin) -> None:
    will(admin, {"slow_seconds": 0.3})
    admin.data(RUN, query=ORDERS)
    cancelled = admin.client.post("/_control/bulk/cancel").json["cancelled"]
    assert len(cancelled) == 1
    ends = time.monotonic() + 10
    while admin.client.get("/_control/bulk").json["operations"][-1]["status"] == "CANCELING":
        assert time.monotonic() < ends
        time.sleep(0.02)
    assert admin.client.get("/_control/bulk").json["operations"][-1]["status"] == "CANCELED"


@pytest.mark.parametrize("fault", [{"outcome": "lost"}, {"colour": "red"}, {"after": "many"}, 5])
def test_a_switch_that_is_none_is_refused(admin: Admin, fault: Any) -> None:
    assert will(admin, fault).status_code == 422
    with pytest.raises((ValueError, TypeError)):
        bulk_faults.fault_of(fault)
