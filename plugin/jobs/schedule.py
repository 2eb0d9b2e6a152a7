"""All schedules on one page. A tick only rings: what is due is decided by rows, so two beats do no harm."""

from __future__ import annotations

from typing import Any, Final

BEAT: Final[dict[str, dict[str, Any]]] = {
    "drain what waits in inboxes": {"task": "sync.drain_waiting", "schedule": 10.0},
    "drive bulk operations": {"task": "sync.drive_runs", "schedule": 15.0},
    "compare mirrors with their stores": {"task": "sync.reconcile", "schedule": 15.0},
    "perform due effects": {"task": "effects.perform_due", "schedule": 10.0},
    "wake due enrollments": {"task": "campaigns.wake_due", "schedule": 10.0},
    "send due messages": {"task": "messages.send_due", "schedule": 10.0},
    "mature and expire points": {"task": "loyalty.settle_due", "schedule": 60.0},
    "read collections that rules name": {"task": "loyalty.read_collections", "schedule": 600.0},
    "seal and check ledgers": {"task": "loyalty.keep_books", "schedule": 60.0},
    "keep figures": {"task": "insights.keep_figures", "schedule": 60.0},
    "tell themes what changed": {"task": "storefront.publish", "schedule": 60.0},
    "work off requests about personal data": {"task": "privacy.complete_due", "schedule": 60.0},
    "let go of what was kept long enough": {"task": "sync.retain", "schedule": 3600.0},
    "refresh tokens of idle shops": {"task": "shops.refresh_idle", "schedule": 3600.0},
}

# What nobody but beat rings, so that it shows whether beat lives.
BEAT_ALONE: Final[dict[str, dict[str, Any]]] = {
    "say that beat lives": {"task": "watching.beat", "schedule": 10.0},
}
