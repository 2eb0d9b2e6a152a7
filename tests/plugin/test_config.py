"""Settings: Shopify's own values unless the sandbox says otherwise."""

from __future__ import annotations

import pytest

from plugin.config import API_VERSION, Config, Platform, manifest, scopes

OVERRIDES = {"PLATFORM_STORE_URL": "http://127.0.0.1:1/", "PLATFORM_ADMIN_ORIGIN": "http://127.0.0.1:1"}


def test_the_platform_is_shopify_even_when_somebody_sets_other_addresses() -> None:
    assert Config.from_env(OVERRIDES).platform == Platform()


def test_the_sandbox_may_move_the_platform() -> None:
    platform = Config.from_env({"REGULARS_SANDBOX": "1", **OVERRIDES}).platform
    assert platform.base("a.myshopify.com") == "http://127.0.0.1:1"
    assert platform.shop_domain == Platform().shop_domain


@pytest.mark.parametrize(
    "domain",
    [
        "evil-myshopify.com.attacker.tld",
        "a.myshopify.com\n",
        "a.myshopify.com.",
        "-a.myshopify.com",
        "a b.myshopify.com",
    ],
)
def test_look_alike_domains_are_no_shops(domain: str) -> None:
    assert not Platform().is_shop_domain(domain)


def test_secrets_stay_out_of_the_repr() -> None:
    settings = Config.from_env({"SHOPIFY_API_SECRET": "hush-1", "DATABASE_URL": "hush-2", "ENCRYPTION_KEYS": "hush-3"})
    assert "hush" not in repr(settings)


def test_both_secrets_count_during_a_rotation() -> None:
    env = {"SHOPIFY_API_SECRET": "new", "SHOPIFY_API_SECRET_PREVIOUS": "old"}
    assert Config.from_env(env).secrets == ("new", "old")


def test_the_manifest_declares_the_version_the_code_speaks() -> None:
    assert manifest()["webhooks"]["api_version"] == API_VERSION
    assert {"read_orders", "read_customers", "write_discounts", "write_app_proxy"} <= set(scopes())
