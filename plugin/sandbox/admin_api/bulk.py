"""Bulk queries: checked, run in the background over the world page by page, written as JSONL.

A line is one object; objects of a nested connection follow their parent and carry `__parentId`. After a restart what
was under way begins anew.
"""

import itertools
import threading
from collections.abc import Iterator
from typing import IO, Any

import msgspec
from graphql import GraphQLError, parse

from plugin.sandbox.admin_api import bulk_faults, bulk_rules
from plugin.sandbox.admin_api.bulk_faults import BulkFault, BulkFaults
from plugin.sandbox.admin_api.plan import Draw, plan_of
from plugin.sandbox.admin_api.query import Query
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.app_records import BulkOperation
from plugin.sandbox.documents import misc as documents
from plugin.sandbox.errors import Refused
from plugin.sandbox.world import World

AT_ONCE = 5
PAGE = 100
STOP_SECONDS = 5
ACTIVE = ("CREATED", "RUNNING", "CANCELING")


class BulkRunner:
    """Runs bulk queries, one thread each."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.faults = BulkFaults()
        self.folder = world.home / "bulk"
        self.folder.mkdir(parents=True, exist_ok=True)

    def start(self, api: Api, query: str) -> BulkOperation:
        """Begin a bulk query; `Refused` with INVALID for a query that cannot be one, LIMIT_REACHED for one too many."""
        root = bulk_rules.check(query)
        with self._world.change():
            active = [one for one in self._world.bulk_operations if one.status in ACTIVE]
            if len(active) >= AT_ONCE:
                raise Refused("Too many bulk operations are running", code="LIMIT_REACHED")
            operation = self._world.bulk_operations.keep(
                BulkOperation(
                    id=self._world.next_id("bulk_operation"),
                    query=query,
                    status="CREATED",
                    created_at=self._world.now(),
                )
            )
        self.faults.take(operation.id, root)
        self._launch(api, operation)
        return operation

    def resume(self, api: Api) -> None:
        """Begin anew what a restart interrupted."""
        for operation in self._world.bulk_operations:
            if operation.status in ACTIVE:
                self._launch(api, operation)

    def stop(self) -> None:
        """Let running queries end after their page; they begin anew at the next start."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def cancel(self, operation_id: int) -> BulkOperation:
        """Ask a running query to stop; `Refused` when it has ended."""
        with self._world.change():
            operation = self._world.bulk_operations[operation_id]
            if operation.status not in ("CREATED", "RUNNING"):
                raise Refused(
                    "A bulk operation cannot be canceled when it is " + operation.status.lower(), field=("id",)
                )
            operation.status = "CANCELING"
            return self._world.bulk_operations.keep(operation)

    def _launch(self, api: Api, operation: BulkOperation) -> None:
        own = Api(api.world, api.settings, api.declaration, bulk=True)
        thread = threading.Thread(target=self._run, args=(own, operation), name=f"bulk-{operation.id}", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def _run(self, api: Api, operation: BulkOperation) -> None:
        self._note(operation, status="RUNNING" if operation.status == "CREATED" else operation.status)
        fault = self.faults.of(operation.id)
        path = self.folder / f"{operation.id}.jsonl"
        operation.object_count = operation.root_object_count = 0
        with path.open("wb") as file:
            status, code = self._write(api, operation, file, fault)
        if self._stopping.is_set():
            return
        if fault.scattered:
            bulk_faults.scatter(path)
        if fault.torn:
            bulk_faults.tear(path)
        self._finish(operation, status, code, path.name)

    def _write(self, api: Api, operation: BulkOperation, file: IO[bytes], fault: BulkFault) -> tuple[str, str | None]:
        try:
            draw = plan_of(parse(operation.query), api.scopes)
            return self._write_pages(api, draw, operation, file, fault)
        except GraphQLError as error:
            denied = (error.extensions or {}).get("code") == "ACCESS_DENIED"
            return "FAILED", "ACCESS_DENIED" if denied else "INTERNAL_SERVER_ERROR"

    def _write_pages(
        self, api: Api, draw: Draw, operation: BulkOperation, file: IO[bytes], fault: BulkFault
    ) -> tuple[str, str | None]:
        ends_early = fault.outcome not in ("completed", "expired")
        for offset in itertools.count(0, PAGE):
            size = min(PAGE, fault.after - offset) if ends_early else PAGE
            self._stopping.wait(fault.slow_seconds)
            if operation.status == "CANCELING":
                return "CANCELED", None
            with self._world.lock:
                api.window = slice(offset, offset + max(0, size))
                nodes = _nodes(next(iter(draw(Query(api)).values())))
            lines = [line for node in nodes for line in flatten(node, None)]
            file.writelines(msgspec.json.encode(line) + b"\n" for line in lines)
            self._note(operation, objects=len(lines), roots=len(nodes))
            if len(nodes) < PAGE or self._stopping.is_set():
                break
        return bulk_faults.OUTCOMES[fault.outcome]

    def _note(self, operation: BulkOperation, *, status: str | None = None, objects: int = 0, roots: int = 0) -> None:
        with self._world.change():
            if operation.status != "CANCELING":
                operation.status = status or operation.status
            operation.object_count += objects
            operation.root_object_count += roots
            self._world.bulk_operations.keep(operation)

    def _finish(self, operation: BulkOperation, status: str, code: str | None, name: str) -> None:
        with self._world.change():
            operation.status, operation.error_code = status, code
            operation.completed_at = self._world.now()
            operation.file_name = name
            operation.file_size = (self.folder / name).stat().st_size
            self._world.bulk_operations.keep(operation)
            self._world.emit("bulk_operations/finish", lambda: documents.bulk_finished(self._world, operation))


def flatten(node: dict[str, Any], parent_id: str | None) -> Iterator[dict[str, Any]]:
    """A node as lines: itself without its connections (also those inside its parts), then the nodes of these."""
    pages: list[dict[str, Any]] = []
    yield _without_pages(node, pages) | ({"__parentId": parent_id} if parent_id else {})
    for page in pages:
        for child in _nodes(page):
            yield from flatten(child, node["id"])


def _without_pages(fields: dict[str, Any], pages: list[dict[str, Any]]) -> dict[str, Any]:
    line = {}
    for name, value in fields.items():
        if _is_page(value):
            pages.append(value)
        else:
            line[name] = _without_pages(value, pages) if isinstance(value, dict) else value
    return line


def _nodes(page: Any) -> list[dict[str, Any]]:
    if "nodes" in page:
        return list(page["nodes"])
    return [edge["node"] for edge in page.get("edges", [])]


def _is_page(value: Any) -> bool:
    return isinstance(value, dict) and ("edges" in value or "nodes" in value)
