"""Opens the demo's shop for business: a programme, rewards, referrals, a field, the cart campaign, a draft tried.

It fills in the panel's own forms over HTTP with a staff member's session token, so the first look shows a shop at work
and nothing stands in the tables that the panel did not write.
"""

import re
import time

import psycopg
import requests

from plugin.local.errors import NotReady

COUNT_SECONDS = 120
PROGRAM = {
    "name": "Bean club",
    "points_one": "bean",
    "points_many": "beans",
    "earn_points": "3",
    "earn_per_minor": "1.00",
    "tax_basis": "shown",
    "return_days": "14",
    "expiry_days": "365",
    "tier_days": "365",
    "starts": "past",
    "tiers-0-name": "Regular",
    "tiers-0-threshold_minor": "100.00",
    "tiers-0-rate": "1.25",
    "tiers-1-name": "Insider",
    "tiers-1-threshold_minor": "300.00",
    "tiers-1-rate": "1.5",
}
CODE = {"valid_days": "90", "active": "y", "may_return": "y", "comes_back": "y", "with_product": "y"}
REWARDS = (
    CODE | {"name": "€5 off", "cost_points": "300", "value_minor": "5.00"},
    CODE | {"name": "€12 off", "cost_points": "650", "value_minor": "12.00"},
    CODE | {"name": "Free shipping", "kind": "free_shipping", "cost_points": "250", "cost_minor": "4.90"},
    CODE | {"name": "10 % off", "kind": "percent_off", "cost_points": "500", "percent_bp": "10", "budget_minor": "150"},
    CODE
    | {
        "name": "Gift card for a friend",
        "kind": "gift_card",
        "cost_points": "100",
        "value_minor": "1.50",
        "least": "500",
        "most": "3000",
        "valid_days": "365",
    },
)
REFERRALS = {
    "enabled": "y",
    "points": "400",
    "friend_kind": "percent",
    "friend_percent": "10",
    "minimum_minor": "20.00",
    "claim_days": "30",
    "hold_days": "14",
    "monthly_cap": "10",
    "daily_claims": "5",
    "household": "once",
    "version": "1",
}
FIELD = {
    "label": "Tell me about new filter coffees",
    "match_kind": "type",
    "match_value": "Filter coffee",
    "consent_text": "Send me an e-mail when a new filter coffee arrives. I can unsubscribe at any time.",
    "subject": "Just arrived: {{ product.title }}",
}


def is_open(owner_url: str) -> bool:
    """Whether the shop has a programme, which is the first thing that is saved."""
    with psycopg.connect(owner_url) as connection:
        return connection.execute("SELECT 1 FROM programs LIMIT 1").fetchone() is not None


def open_for_business(store_url: str, app_url: str, owner_url: str) -> None:
    """Save all of it and wait until points for past orders are counted. Raises NotReady when a form is refused."""
    desk = Desk(store_url, app_url)
    desk.post("/loyalty", PROGRAM)
    for reward in REWARDS:
        desk.post("/loyalty/rewards/new", reward)
    desk.post("/loyalty/referrals/settings", REFERRALS)
    desk.post("/subscriptions/new", FIELD)
    campaign = re.search(r"/campaigns/(\d+)/on", desk.get("/campaigns"))
    if campaign:
        desk.post(campaign.group(), {})
    _wait_for_points(owner_url)
    desk.post("/loyalty/replays", PROGRAM | {"earn_points": "4"})


class Desk:
    """A staff member's seat at the panel; session tokens live a minute, so each request brings a fresh one."""

    def __init__(self, store_url: str, app_url: str) -> None:
        self.store_url, self.app_url = store_url, app_url

    def get(self, path: str) -> str:
        return self._answer("GET", path, None)

    def post(self, path: str, form: dict[str, str]) -> None:
        self._answer("POST", path, form)

    def _answer(self, method: str, path: str, form: dict[str, str] | None) -> str:
        token = requests.get(f"{self.store_url}/_control/id_token", timeout=30).json()["id_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.request(method, self.app_url + path, data=form, headers=headers, timeout=60)
        if not answer.ok:
            raise NotReady(f"The panel answered {answer.status_code} to {method} {path} while the shop was set up.")
        return answer.text


def _wait_for_points(owner_url: str) -> None:
    deadline = time.monotonic() + COUNT_SECONDS
    waiting = "SELECT 1 FROM programs WHERE history_after IS NOT NULL"
    with psycopg.connect(owner_url, autocommit=True) as connection:
        while connection.execute(waiting).fetchone() and time.monotonic() < deadline:
            time.sleep(0.5)
