"""What the pretend store refuses.

StoreError
├── NotFound            404, no such thing in this store
└── Refused             422, a rule of the store said no; `field` and `code` say which
"""


class StoreError(Exception):
    """Root of everything the store says no with; `str()` of it is a sentence for people."""


class NotFound(StoreError):
    """The id, token or code names nothing in this store."""


class Refused(StoreError):
    """A rule of the store was broken: `code` as in the Admin API's user errors, `field` the input's path."""

    def __init__(self, message: str, *, code: str = "INVALID", field: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
