"""What can go wrong with one mail, by what is known about its fate.

RemoteError
├── NotAccepted    surely not taken: may be tried again
│   ├── Rejected   and never will be: the server said 5xx
│   ├── Away       no server was reached, whatever the mail
│   └── TooLate    not handed over, because its turn was over
└── Unanswered     the text was handed over and no answer came: nobody knows
"""

from __future__ import annotations

from typing import Any

from plugin.errors import RemoteError


class NotAccepted(RemoteError):
    """The server surely did not take the mail; `code` is its three digits, 0 when it said nothing."""

    def __init__(self, sentence: str, code: int = 0, **values: Any) -> None:
        super().__init__(sentence, **values)
        self.code = code


class Rejected(NotAccepted):
    """The server said no for good. `no_such_address`: because nobody lives there (RFC 3463 class 5.1)."""

    def __init__(self, sentence: str, code: int = 0, no_such_address: bool = False) -> None:
        super().__init__(sentence, code)
        self.no_such_address = no_such_address


class Away(NotAccepted):
    """No connection could be opened: it says nothing about the mail."""


class TooLate(NotAccepted):
    """This process was paused or slow, and somebody else may have the mail by now."""


class Unanswered(RemoteError):
    """The connection ended after the text was handed over: it may have been delivered."""
