"""Every route of the app, and how another shop would attack it. A route that is not listed here fails the suite.

To add one, write a line into ROUTES: the method, the rule as Flask has it, and

- `at(path, ...)` for a route of the panel, `shopper(path, ...)` for one behind the app proxy, `anybody(path, ...)` for
  one without a session;
- wherever the route takes something of a shop's (in its path, query, form or JSON), a name in braces: `{customer}`,
  `{order}`, `{reward}` and so on. The first shop's own thing is put there, and then something that exists nowhere; both
  answers must be the same bytes, 404 unless `status` says otherwise, and no row of any shop may change. New kinds of
  things get a line in `tests/contracts/tenants.py`.
- without a brace, the answer must not hold a word of the first shop, and none of its rows may change.

`machine(reason)` is for the few doors that know no shop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from plugin import clock


@dataclass(frozen=True)
class Attack:
    """One request of the other shop. `door` is who makes it: the panel's staff, a shopper, or anybody."""

    door: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    customer: str = ""  # who is signed in at the store, as the platform's signature says
    status: int | None = None

    @property
    def names_something(self) -> bool:
        return "{" in f"{self.path}{self.customer}{self.query}{self.form}{self.json}".replace("{}", "").replace(
            "{'", ""
        )


@dataclass(frozen=True)
class Machine:
    """A door that shows and changes nothing of any shop."""

    reason: str


def at(path: str, **how: Any) -> Attack:
    return Attack("panel", path, **how)


def shopper(path: str, **how: Any) -> Attack:
    return Attack("shopper", path, **how)


def anybody(path: str, **how: Any) -> Attack:
    return Attack("anybody", path, **how)


PROGRAM = {
    "name": "Sparrow club", "points_one": "seed", "points_many": "seeds", "earn_points": "1", "earn_per_minor": "1.00",
    "tax_basis": "shown", "return_days": "14", "expiry_days": "", "tier_days": "365", "starts": "now",
}  # fmt: skip
REWARD = {"name": "Sparrow", "cost_points": "100", "value_minor": "5.00", "valid_days": "90", "active": "y"}
FIELD = {
    "label": "Sparrow news", "match_kind": "type", "match_value": "Tea", "consent_text": "Tell me", "subject": "New",
}  # fmt: skip
MAIL = {"steps-0-delay": "1", "steps-0-unit": "hours", "steps-0-subject": "Sparrow"}
TERMS = {
    "enabled": "y", "points": "5", "friend_kind": "percent", "friend_percent": "10", "claim_days": "30",
    "hold_days": "14", "daily_claims": "5", "household": "once", "version": "{reward}",
}  # fmt: skip
WAY = {"points": "5", "active": "y", "version": "{reward}"}
THIS_MONTH = f"{clock.machine_now():%Y-%m}"
CLICK = {"request_key": "click-000001"}

ROUTES: Final[dict[tuple[str, str], tuple[Attack, ...] | Machine]] = {
    # The panel
    ("GET", "/"): (at("/"),),
    ("GET", "/revenue.csv"): (at("/revenue.csv"),),
    ("POST", "/embed/<any(on, off):state>"): (at("/embed/on"),),
    ("POST", "/guide/<step>"): (at("/guide/test_mail"), at("/guide/{customer}", status=200)),
    ("GET", "/customers"): (
        at("/customers"),
        at("/customers", query={"q": "finch"}),
        at("/customers", query={"sort": "-spent", "after": "{cursor:9500,customer}"}, status=200),
        at("/customers", query={"sort": "name", "before": "{cursor:zebra,customer}"}, status=200),
    ),
    ("GET", "/customers/export.csv"): (at("/customers/export.csv"), at("/customers/export.csv", query={"q": "finch"})),
    ("GET", "/customers/<int:customer_id>"): (at("/customers/{customer}"),),
    ("GET", "/customers/<int:customer_id>/entries"): (
        at("/customers/{customer}/entries"),
        at("/customers/{own_customer}/entries", query={"before": "{entry}"}, status=200),
    ),
    ("GET", "/customers/<int:customer_id>/points"): (at("/customers/{customer}/points"),),
    ("POST", "/customers/<int:customer_id>/points"): (
        at("/customers/{customer}/points", form={"points": "5", "reason": "mine now", "key": "key-000001"}),
    ),
    ("POST", "/customers/<int:customer_id>/points/<int:entry_id>/undo"): (
        at("/customers/{customer}/points/{entry}/undo"),
        at("/customers/{own_customer}/points/{entry}/undo"),
    ),
    ("GET", "/loyalty"): (at("/loyalty"), at("/loyalty", query={"replay": "{replay}"})),
    ("POST", "/loyalty"): (at("/loyalty", form=PROGRAM),),
    ("GET", "/loyalty/goods/<kind>"): tuple(
        at(f"/loyalty/goods/{kind}", query={"q": "e"}) for kind in ("products", "collections", "tags", "vendors")
    ),
    ("POST", "/loyalty/versions/<int:version>/again"): (at("/loyalty/versions/1/again"),),
    ("GET", "/loyalty/catching-up"): (at("/loyalty/catching-up"),),
    ("GET", "/loyalty/replays"): (at("/loyalty/replays"),),
    ("POST", "/loyalty/replays"): (at("/loyalty/replays", form=PROGRAM),),
    ("POST", "/loyalty/replays/check"): (at("/loyalty/replays/check"),),
    ("GET", "/loyalty/replays/<int:replay_id>"): (at("/loyalty/replays/{replay}"),),
    ("GET", "/loyalty/replays/<int:replay_id>/progress"): (at("/loyalty/replays/{replay}/progress"),),
    ("GET", "/loyalty/replays/<int:replay_id>/months.csv"): (at("/loyalty/replays/{replay}/months.csv"),),
    ("POST", "/loyalty/replays/<int:replay_id>/stop"): (at("/loyalty/replays/{replay}/stop"),),
    ("POST", "/loyalty/replays/<int:replay_id>/launch"): (at("/loyalty/replays/{replay}/launch"),),
    ("POST", "/loyalty/pause"): (at("/loyalty/pause"),),
    ("POST", "/loyalty/resume"): (at("/loyalty/resume"),),
    ("POST", "/loyalty/example"): (at("/loyalty/example", form=PROGRAM),),
    ("POST", "/loyalty/moves"): (at("/loyalty/moves", form=PROGRAM),),
    ("GET", "/loyalty/tiers"): (at("/loyalty/tiers"),),
    ("GET", "/loyalty/tiers/<int:origin>"): (at("/loyalty/tiers/{tier}"),),
    ("POST", "/loyalty/tiers/preview"): (at("/loyalty/tiers/preview", form=PROGRAM),),
    ("GET", "/customers/<int:customer_id>/tier"): (at("/customers/{customer}/tier"),),
    ("POST", "/customers/<int:customer_id>/tier"): (
        at("/customers/{customer}/tier", form={"origin": "{own_tier}", "reason": "mine now"}),
        at("/customers/{own_customer}/tier", form={"origin": "{tier}", "reason": "mine now"}, status=422),
    ),
    ("POST", "/customers/<int:customer_id>/tier/<int:grant_id>/end"): (
        at("/customers/{customer}/tier/{grant}/end"),
        at("/customers/{own_customer}/tier/{grant}/end"),
    ),
    ("GET", "/loyalty/rewards/new"): (at("/loyalty/rewards/new"),),
    ("POST", "/loyalty/rewards/new"): (at("/loyalty/rewards/new", form=REWARD),),
    ("GET", "/loyalty/rewards/<int:reward_id>"): (at("/loyalty/rewards/{reward}"),),
    ("POST", "/loyalty/rewards/<int:reward_id>"): (at("/loyalty/rewards/{reward}", form=REWARD),),
    ("GET", "/loyalty/rewards"): (at("/loyalty/rewards"), at("/loyalty/rewards", query={"view": "archived"})),
    ("POST", "/loyalty/rewards/example"): (
        at("/loyalty/rewards/example", query={"reward": "{reward}"}, form=REWARD, status=200),
    ),
    ("POST", "/loyalty/rewards/<int:reward_id>/versions/<int:version>"): (at("/loyalty/rewards/{reward}/versions/1"),),
    ("POST", "/loyalty/rewards/<int:reward_id>/archive"): (at("/loyalty/rewards/{reward}/archive"),),
    ("POST", "/loyalty/rewards/<int:reward_id>/restore"): (at("/loyalty/rewards/{reward}/restore"),),
    ("GET", "/customers/<int:customer_id>/rewards"): (at("/customers/{customer}/rewards"),),
    ("POST", "/customers/<int:customer_id>/rewards"): (
        at("/customers/{own_customer}/rewards", form={"reward_id": "{reward}", "key": "click-000001"}),
        at("/customers/{customer}/rewards", form={"reward_id": "{own_reward}", "key": "click-000001"}),
    ),
    ("POST", "/customers/<int:customer_id>/rewards/<int:redemption_id>/take-back"): (
        at("/customers/{customer}/rewards/{redemption}/take-back"),
        at("/customers/{own_customer}/rewards/{redemption}/take-back"),
    ),
    ("GET", "/loyalty/referrals"): (
        at("/loyalty/referrals"),
        at("/loyalty/referrals", query={"q": "finch"}),
        at("/loyalty/referrals", query={"after": "{cursor:2026-11-01T00:00:00+00:00,referral}"}, status=200),
    ),
    ("GET", "/loyalty/referrals/export.csv"): (at("/loyalty/referrals/export.csv"),),
    ("GET", "/loyalty/referrals/<int:referral_id>"): (at("/loyalty/referrals/{referral}"),),
    ("POST", "/loyalty/referrals/<int:referral_id>/decide"): (
        at("/loyalty/referrals/{referral}/decide", form={"verdict": "accepted", "note": "mine now"}),
    ),
    ("POST", "/loyalty/referrals/decide"): (
        at("/loyalty/referrals/decide", form={"verdict": "rejected", "id": "{referral}"}),
    ),
    ("POST", "/loyalty/referrals/undo"): (at("/loyalty/referrals/undo", query={"ids": "{referral}"}),),
    ("GET", "/loyalty/referrals/settings"): (at("/loyalty/referrals/settings"),),
    ("POST", "/loyalty/referrals/settings"): (at("/loyalty/referrals/settings", form=TERMS, status=409),),
    ("GET", "/loyalty/ways"): (at("/loyalty/ways"),),
    ("GET", "/loyalty/ways/new/<kind>"): (at("/loyalty/ways/new/event"), at("/loyalty/ways/new/profile_field")),
    ("POST", "/loyalty/ways/new/<kind>"): (at("/loyalty/ways/new/signup", form=WAY, status=409),),
    ("GET", "/loyalty/ways/<int:way_id>"): (at("/loyalty/ways/{way}"),),
    ("POST", "/loyalty/ways/<int:way_id>"): (at("/loyalty/ways/{way}", form=WAY),),
    ("POST", "/loyalty/ways/<int:way_id>/<any(on, off):state>"): (at("/loyalty/ways/{way}/off"),),
    ("POST", "/loyalty/ways/<int:way_id>/up"): (at("/loyalty/ways/{way}/up"),),
    ("POST", "/loyalty/ways/<int:way_id>/remove"): (at("/loyalty/ways/{way}/remove"),),
    ("POST", "/loyalty/ways/example/<kind>"): (at("/loyalty/ways/example/signup", form=WAY, status=200),),
    ("GET", "/loyalty/ways/log"): (
        at("/loyalty/ways/log"),
        at("/loyalty/ways/log", query={"customer": "{customer}"}),
    ),
    ("GET", "/loyalty/ways/fields"): (at("/loyalty/ways/fields"),),
    ("POST", "/loyalty/ways/fields"): (at("/loyalty/ways/fields", form={"label": "Sparrow", "kind": "text"}),),
    ("GET", "/loyalty/ways/fields/<int:field_id>"): (at("/loyalty/ways/fields/{profile_field}"),),
    ("POST", "/loyalty/ways/fields/<int:field_id>"): (
        at("/loyalty/ways/fields/{profile_field}", form={"label": "Mine", "kind": "text"}),
    ),
    ("POST", "/loyalty/ways/fields/<int:field_id>/<any(archive, restore):what>"): (
        at("/loyalty/ways/fields/{profile_field}/archive"),
    ),
    ("GET", "/loyalty/ways/token"): (at("/loyalty/ways/token"),),
    ("POST", "/loyalty/ways/token"): (at("/loyalty/ways/token"),),
    ("POST", "/loyalty/ways/token/end"): (at("/loyalty/ways/token/end"),),
    ("GET", "/loyalty/ledger"): (
        at("/loyalty/ledger"),
        at("/loyalty/ledger", query={"q": "finch"}),
        at("/loyalty/ledger", query={"customer": "{customer}"}, status=200),
        at("/loyalty/ledger", query={"order": "{order}"}, status=200),
        at("/loyalty/ledger", query={"after": "{cursor:entry,entry}"}, status=200),
    ),
    ("GET", "/loyalty/ledger/export.csv"): (
        at("/loyalty/ledger/export.csv"),
        at("/loyalty/ledger/export.csv", query={"customer": "{customer}"}, status=200),
    ),
    ("GET", "/loyalty/ledger/everything.zip"): (at("/loyalty/ledger/everything.zip"),),
    ("GET", "/loyalty/ledger/<int:entry_id>/why"): (at("/loyalty/ledger/{entry}/why"),),
    ("GET", "/loyalty/ledger/state"): (at("/loyalty/ledger/state"),),
    ("GET", "/loyalty/imports"): (at("/loyalty/imports"),),
    ("POST", "/loyalty/imports"): (
        at("/loyalty/imports", form={"undated": "never", "file": "file:customer,points\n1,5\n"}),
    ),
    ("GET", "/loyalty/imports/example.csv"): (at("/loyalty/imports/example.csv"),),
    ("GET", "/loyalty/imports/<int:import_id>"): (at("/loyalty/imports/{points_import}"),),
    ("GET", "/loyalty/imports/<int:import_id>/progress"): (at("/loyalty/imports/{points_import}/progress"),),
    ("GET", "/loyalty/imports/<int:import_id>/problems.csv"): (at("/loyalty/imports/{points_import}/problems.csv"),),
    ("POST", "/loyalty/imports/<int:import_id>/start"): (at("/loyalty/imports/{points_import}/start"),),
    ("POST", "/loyalty/imports/<int:import_id>/discard"): (at("/loyalty/imports/{points_import}/discard"),),
    ("POST", "/loyalty/imports/<int:import_id>/take-back"): (at("/loyalty/imports/{points_import}/take-back"),),
    ("GET", "/loyalty/expiry"): (at("/loyalty/expiry"),),
    ("POST", "/loyalty/expiry"): (at("/loyalty/expiry", form={"by": "date", "expiry_days": "90"}),),
    ("POST", "/loyalty/expiry/extend"): (
        at("/loyalty/expiry/extend", form={"customer": "{customer}", "days": "9", "reason": "mine"}),
    ),
    ("POST", "/loyalty/expiry/reinstate"): (
        at("/loyalty/expiry/reinstate", form={"customer": "{customer}", "days": "9", "within": "9", "reason": "mine"}),
    ),
    ("POST", "/loyalty/expiry/<int:change_id>/undo"): (at("/loyalty/expiry/{expiry_change}/undo"),),
    ("POST", "/loyalty/expiry/limits"): (at("/loyalty/expiry/limits", form={"most": "500", "daily": "900"}),),
    ("POST", "/loyalty/ledger/verify"): (at("/loyalty/ledger/verify"),),
    ("GET", "/loyalty/money"): (at("/loyalty/money"),),
    ("GET", "/loyalty/money/<int:year>-<int:number>"): (at(f"/loyalty/money/{THIS_MONTH}"),),
    ("GET", "/loyalty/money/points.csv"): (at("/loyalty/money/points.csv"),),
    ("GET", "/loyalty/money/accounts.csv"): (at("/loyalty/money/accounts.csv"),),
    ("GET", "/loyalty/money/ages.csv"): (at("/loyalty/money/ages.csv"),),
    ("GET", "/loyalty/money/costs.csv"): (at("/loyalty/money/costs.csv"),),
    ("GET", "/loyalty/profit"): (at("/loyalty/profit"),),
    ("POST", "/loyalty/profit"): (at("/loyalty/profit", form={"percent": "10", "version": "{reward}"}, status=409),),
    ("GET", "/loyalty/profit/weeks.csv"): (at("/loyalty/profit/weeks.csv"),),
    ("GET", "/subscriptions"): (at("/subscriptions"),),
    ("GET", "/subscriptions/new"): (at("/subscriptions/new"),),
    ("POST", "/subscriptions/new"): (at("/subscriptions/new", form=FIELD),),
    ("GET", "/subscriptions/<int:field_id>"): (at("/subscriptions/{field}"),),
    ("POST", "/subscriptions/<int:field_id>"): (at("/subscriptions/{field}", form=FIELD),),
    ("POST", "/subscriptions/<int:field_id>/pause"): (at("/subscriptions/{field}/pause"),),
    ("POST", "/subscriptions/<int:field_id>/resume"): (at("/subscriptions/{field}/resume"),),
    ("POST", "/subscriptions/matches"): (
        at("/subscriptions/matches", form={"match_kind": "type", "match_value": "{type}"}, status=200),
    ),
    ("GET", "/campaigns"): (
        at("/campaigns"),
        at("/campaigns", query={"after": "{cursor:enrollment,enrollment}"}, status=200),
    ),
    ("GET", "/campaigns/<int:automation_id>"): (at("/campaigns/{automation}"),),
    ("POST", "/campaigns/<int:automation_id>"): (at("/campaigns/{automation}", form=MAIL),),
    ("POST", "/campaigns/<int:automation_id>/on"): (at("/campaigns/{automation}/on"),),
    ("POST", "/campaigns/<int:automation_id>/off"): (at("/campaigns/{automation}/off"),),
    ("POST", "/campaigns/<int:automation_id>/test/<int:step>"): (
        at("/campaigns/{automation}/test/0", form={"test-0-email": "b@example.com"}),
    ),
    ("GET", "/campaigns/carts/<int:enrollment_id>"): (at("/campaigns/carts/{enrollment}"),),
    ("GET", "/sync"): (at("/sync"), at("/sync", query={"after": "{cursor:inbox,inbox}"}, status=200)),
    ("GET", "/sync/tasks"): (
        at("/sync/tasks"),
        at("/sync/tasks", query={"after": "{cursor:effect,effect}"}, status=200),
    ),
    ("GET", "/sync/tasks/<any(waiting,done):view>"): (at("/sync/tasks/waiting"), at("/sync/tasks/done")),
    ("POST", "/sync/tasks/<int:effect_id>/retry"): (at("/sync/tasks/{effect}/retry"),),
    ("POST", "/sync/tasks/retry"): (at("/sync/tasks/retry"),),
    ("GET", "/sync/imports"): (at("/sync/imports"),),
    ("POST", "/sync/imports/retry"): (at("/sync/imports/retry", form={"id": "{import}"}),),
    ("GET", "/sync/drift"): (at("/sync/drift"),),
    ("GET", "/sync/drift/scores"): (at("/sync/drift/scores"),),
    ("POST", "/sync/drift/check"): (at("/sync/drift/check"),),
    ("POST", "/sync/drift/merge"): (
        at("/sync/drift/merge", form={"from_id": "{customer}", "into_id": "{customer}"}, status=409),
    ),
    ("POST", "/sync/retry"): (at("/sync/retry", form={"id": "{inbox}"}, status=200), at("/sync/retry")),
    ("GET", "/privacy"): (at("/privacy"), at("/privacy", query={"after": "{cursor:privacy,privacy}"}, status=200)),
    ("GET", "/privacy/<int:request_id>"): (at("/privacy/{privacy}"),),
    ("GET", "/privacy/<int:request_id>/export.json"): (at("/privacy/{privacy}/export.json"),),
    ("GET", "/loyalty/mails"): (at("/loyalty/mails"),),
    ("GET", "/loyalty/mails/<kind>"): (at("/loyalty/mails/tier_up"),),
    ("POST", "/loyalty/mails/<kind>"): (at("/loyalty/mails/tier_up", form={"subject": "Sparrow"}),),
    ("POST", "/loyalty/mails/<kind>/<any(on,off):state>"): (at("/loyalty/mails/tier_up/off"),),
    ("POST", "/loyalty/mails/<kind>/again"): (at("/loyalty/mails/tier_up/again"),),
    ("POST", "/loyalty/mails/<kind>/test"): (at("/loyalty/mails/tier_up/test", form={"email": "b@example.com"}),),
    ("POST", "/loyalty/mails/<kind>/preview"): (
        anybody("/loyalty/mails/tier_up/preview", form={"subject": "Sparrow", "ticket": "{forged_ticket}"}, status=401),
        anybody("/loyalty/mails/tier_up/preview", form={"subject": "Sparrow", "ticket": "{own_ticket}"}, status=200),
    ),
    ("POST", "/previews/cart/<int:step>"): (
        anybody("/previews/cart/0", form={**MAIL, "ticket": "{forged_ticket}"}, status=401),
        anybody("/previews/cart/0", form={**MAIL, "ticket": "{own_ticket}"}, status=200),
    ),
    # The app proxy
    ("GET", "/proxy/program"): (
        shopper("/proxy/program"),
        shopper("/proxy/program", query={"id": "{customer}"}, status=200),
    ),
    ("GET", "/proxy/loyalty"): (
        shopper("/proxy/loyalty"),
        shopper("/proxy/loyalty", customer="{customer}", status=200),
    ),
    ("GET", "/proxy/loyalty/history"): (
        shopper("/proxy/loyalty/history", query={"before": "9"}, customer="{customer}", status=200),
    ),
    ("POST", "/proxy/loyalty/membership"): (
        shopper(
            "/proxy/loyalty/membership", customer="{own_customer}", form={"member": "0", "token": "{token}"}, status=409
        ),
    ),
    ("POST", "/proxy/points/return"): (
        shopper(
            "/proxy/points/return",
            customer="{own_customer}",
            form={"redemption_id": "{redemption}", "token": "{own_token}"},
        ),
    ),
    ("POST", "/proxy/loyalty/redeem"): (
        shopper("/proxy/loyalty/redeem", form={**CLICK, "reward_id": "{reward}", "token": "{own_token}"}),
        shopper("/proxy/loyalty/redeem", form={**CLICK, "reward_id": "{own_reward}", "token": "{token}"}, status=409),
    ),
    ("GET", "/proxy/loyalty/redemptions/<int:redemption_id>"): (shopper("/proxy/loyalty/redemptions/{redemption}"),),
    ("POST", "/proxy/loyalty/redemptions/<int:redemption_id>/return"): (
        shopper(
            "/proxy/loyalty/redemptions/{redemption}/return", customer="{own_customer}", form={"token": "{own_token}"}
        ),
    ),
    ("GET", "/proxy/subscriptions"): (shopper("/proxy/subscriptions", query={"product_id": "{product}"}, status=200),),
    ("POST", "/proxy/subscriptions"): (
        shopper("/proxy/subscriptions", form={"field_id": "{field}", "email": "b@example.com"}),
    ),
    ("GET", "/proxy/points"): (
        shopper("/proxy/points"),
        shopper("/proxy/points", customer="{customer}", status=200),
    ),
    ("POST", "/proxy/points"): (
        shopper("/proxy/points", form={**CLICK, "reward_id": "{reward}", "token": "{own_token}"}),
    ),
    ("GET", "/proxy/r/<code>"): (shopper("/proxy/r/{invitation}"),),
    ("POST", "/proxy/r/<code>"): (shopper("/proxy/r/{invitation}", form={"email": "b@example.com"}),),
    ("GET", "/proxy/profile"): (
        shopper("/proxy/profile"),
        shopper("/proxy/profile", customer="{customer}", status=200),
    ),
    ("POST", "/proxy/profile"): (
        shopper("/proxy/profile", form={"token": "{token}", "field-1": "mine"}, status=409),
        shopper("/proxy/profile", form={"token": "{own_token}", "field-{profile_field}": "mine"}, status=200),
    ),
    # The shop's other tools
    ("POST", "/api/v1/events"): (
        anybody("/api/v1/events", json={"customer": "{customer}", "event": "review", "id": "r1"}, status=401),
    ),
    # Links in mails
    ("GET", "/u/<token>"): (anybody("/u/{link}"), anybody("/u/{forged_link}")),
    ("POST", "/u/<token>"): (
        anybody("/u/{link}", form={"List-Unsubscribe": "One-Click"}),
        anybody("/u/{forged_link}", form={"List-Unsubscribe": "One-Click"}),
    ),
    # The machine's own doors
    ("GET", "/auth/session-token"): Machine("a page that holds App Bridge alone; it reads no row"),
    ("GET", "/static/panel/<path:filename>"): Machine("files of the release"),
    ("GET", "/healthz"): Machine("the process alone"),
    ("GET", "/readyz"): Machine("database, schema and Redis in a word each"),
    ("GET", "/metrics"): Machine("figures without names, for the machine itself or for who has METRICS_TOKEN"),
    ("POST", "/_sandbox/clock"): Machine("the sandbox's clock, signed, has no shop"),
    ("GET", "/_gallery"): Machine("components with made-up words, in the sandbox alone"),
}
