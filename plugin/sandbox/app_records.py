"""What the store keeps about the app: its installation, tokens, bulk operations, webhooks on their way, caught mail."""

from datetime import datetime

import msgspec

from plugin.sandbox.records import Record


class Installation(Record, kw_only=True):
    """The app in this store; the only key is `app`. `uninstalled_at` set means that every token is dead."""

    id: str = "app"
    number: int
    scopes: list[str]
    installed_at: datetime
    uninstalled_at: datetime | None = None
    redacted: bool = False


class Token(Record, kw_only=True):
    """An offline access token with its refresh token; the key is the access token. Moments are machine time."""

    id: str
    refresh_token: str
    scopes: list[str]
    issued_at: datetime
    expires_at: datetime
    refresh_expires_at: datetime
    replaced_by: str | None = None
    used: bool = False
    retired: bool = False


class BulkOperation(Record, kw_only=True):
    """A bulk query; `status` is CREATED, RUNNING, COMPLETED, CANCELING, CANCELED, FAILED or EXPIRED."""

    id: int
    query: str
    status: str
    created_at: datetime
    completed_at: datetime | None = None
    error_code: str | None = None
    object_count: int = 0
    root_object_count: int = 0
    file_size: int | None = None
    file_name: str | None = None


class Attempt(msgspec.Struct, kw_only=True):
    """One try to deliver: the answer's status (0 when there was none), machine time, how long it took."""

    at: datetime
    status: int
    milliseconds: int
    error: str | None = None


class Delivery(Record, kw_only=True):
    """A webhook by its webhook id. `state` is pending, delivered, failed (gave up) or dropped (by a switch)."""

    id: str
    topic: str
    event_id: str
    triggered_at: datetime
    body: str
    due_at: datetime
    number: int
    state: str = "pending"
    attempts: list[Attempt] = []


class Faults(Record, kw_only=True):
    """The switches: shares of webhooks to drop and to duplicate, seconds to hold each back, whether to shuffle."""

    id: str = "faults"
    drop: float = 0.0
    duplicate: float = 0.0
    delay_seconds: float = 0.0
    shuffle: bool = False


class Message(Record, kw_only=True):
    """A caught mail, as it came over SMTP, with its readable parts taken out."""

    id: int
    recipients: list[str]
    sender: str
    subject: str
    headers: list[tuple[str, str]]
    text: str
    html: str
    received_at: datetime
    raw: str
