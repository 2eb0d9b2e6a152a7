"""What the Admin API says no with, in the house's family of errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plugin.errors import Refused, RemoteError


class Denied(RemoteError):
    """The platform will not run this operation: no scope, not valid, too dear. Trying again changes nothing."""

    def __init__(self, sentence: str, codes: Sequence[str] = (), **values: Any) -> None:
        super().__init__(sentence, **values)
        self.codes = frozenset(codes)


class UserErrors(Refused):
    """The mutation was understood and refused; `codes` such as TAKEN, `errors` as the platform wrote them."""

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__(" ".join(str(error.get("message", "")) for error in errors))
        self.errors = list(errors)
        self.codes = frozenset(str(error["code"]) for error in errors if error.get("code"))
