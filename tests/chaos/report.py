"""What went wrong, in five lists of lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    dup_mails: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.drift or self.leaks or self.dup_mails)

    @property
    def summary(self) -> str:
        return (
            f"lost {len(self.lost)} doubled {len(self.doubled)} drift {len(self.drift)}"
            f" leaks {len(self.leaks)} dup_mails {len(self.dup_mails)}"
        )

    def lines(self) -> Iterator[str]:
        for name, found in vars(self).items():
            yield from (f"{name}: {line}" for line in found)


def compare(report: Report, name: str, row: dict[str, Any] | None, wanted: dict[str, Any]) -> None:
    if row is None:
        report.lost.append(f"{name} is missing")
        return
    different = {column: (row[column], value) for column, value in wanted.items() if row[column] != value}
    if different:
        report.drift.append(f"{name} (held, wanted): {different}")


def same(report: Report, name: str, held: Any, wanted: Any) -> None:
    if held != wanted:
        report.drift.append(f"{name}: {held}, wanted {wanted}")
