"""Records in memory, by key and by index; what changed is remembered until the change ends."""

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

import msgspec

from plugin.sandbox.errors import NotFound
from plugin.sandbox.records import Record

R = TypeVar("R", bound=Record)


class Table(Generic[R]):
    """All records of one kind in the order of their first keeping; an index tells what a record is filed under."""

    def __init__(self, kind: str, record: type[R], **indexes: Callable[[R], tuple[Hashable, ...]]) -> None:
        self.kind = kind
        self._decoder = msgspec.json.Decoder(record)
        self._rows: dict[int | str, R] = {}
        self._indexes = indexes
        self._by: dict[str, dict[Hashable, dict[int | str, None]]] = {name: {} for name in indexes}
        self._filed: dict[int | str, tuple[tuple[Hashable, ...], ...]] = {}
        self.changed: dict[int | str, None] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._rows.values()))

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __getitem__(self, key: int | str) -> R:
        """The record, or `NotFound`."""
        record = self._rows.get(key)
        if record is None:
            raise NotFound(f"No {self.kind} {key} in this store")
        return record

    def get(self, key: int | str | None) -> R | None:
        """The record, or None."""
        return None if key is None else self._rows.get(key)

    def by(self, index: str, value: Hashable) -> list[R]:
        """Records whose index has this value, oldest first."""
        # Copied in one step: a reader may come without the lock.
        keys = list(self._by[index].get(value, ()))
        return [self._rows[key] for key in keys if key in self._rows]

    def first(self, index: str, value: Hashable) -> R | None:
        """The first record whose index has this value, or None."""
        found = self.by(index, value)
        return found[0] if found else None

    def count(self, index: str, value: Hashable) -> int:
        """How many records have this value of the index."""
        return len(self._by[index].get(value, ()))

    def oldest(self, index: str, value: Hashable) -> R | None:
        """The record that has had this value of the index for longest, or None."""
        key = next(iter(self._by[index].get(value, ())), None)
        return self.get(key)

    def newest(self, limit: int) -> list[R]:
        """The last records kept for the first time, newest first."""
        return list(self._rows.values())[: -limit - 1 : -1]

    def keep(self, record: R) -> R:
        """Add the record, or note that it has changed; it is on disk when the change ends."""
        self._file(record)
        self.changed[record.id] = None
        return record

    def drop(self, key: int | str) -> None:
        """Remove the record, if it is there."""
        if self._rows.pop(key, None) is not None:
            self._unfile(key)
            self.changed[key] = None

    def load(self, bodies: Iterator[bytes]) -> None:
        """Fill from disk."""
        for body in bodies:
            self._file(self._decoder.decode(body))

    def take_changes(self) -> tuple[list[tuple[str, str, bytes]], list[tuple[str, str]]]:
        """Rows to write and rows to remove since the last call."""
        changed, self.changed = self.changed, {}
        kept = [(self.kind, str(key), msgspec.json.encode(self._rows[key])) for key in changed if key in self._rows]
        dropped = [(self.kind, str(key)) for key in changed if key not in self._rows]
        return kept, dropped

    def _file(self, record: R) -> None:
        values = tuple(index(record) for index in self._indexes.values())
        if self._filed.get(record.id) != values:
            self._unfile(record.id)
            self._filed[record.id] = values
            for name, filed_under in zip(self._indexes, values, strict=True):
                for value in filed_under:
                    self._by[name].setdefault(value, {})[record.id] = None
        self._rows[record.id] = record

    def _unfile(self, key: int | str) -> None:
        for name, filed_under in zip(self._indexes, self._filed.pop(key, ()), strict=False):
            for value in filed_under:
                self._remove(name, value, key)

    def _remove(self, name: str, value: Hashable, key: int | str) -> None:
        filed = self._by[name][value]
        filed.pop(key, None)
        if not filed:
            del self._by[name][value]
