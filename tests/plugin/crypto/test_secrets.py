"""Secrets at rest and signed links: rotated, bound to their shop, never interchangeable."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from plugin.config import config
from plugin.crypto import secrets
from plugin.errors import Invalid

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    def use(*ring: str) -> None:
        monkeypatch.setenv("ENCRYPTION_KEYS", ",".join(ring))
        config.cache_clear()

    use(OLD)
    yield use
    monkeypatch.undo()
    config.cache_clear()


def test_a_secret_comes_back_only_in_its_own_shop(keys) -> None:
    sealed = secrets.encrypt(1, "shpat_x")
    assert secrets.decrypt(1, sealed) == "shpat_x"
    with pytest.raises(Invalid):
        secrets.decrypt(2, sealed)


def test_keys_rotate_without_losing_a_secret(keys) -> None:
    sealed = secrets.encrypt(1, "shpat_x")
    keys(NEW, OLD)
    rotated = secrets.rotate(sealed)
    keys(NEW)
    assert secrets.decrypt(1, rotated) == "shpat_x"
    with pytest.raises(Invalid):
        secrets.decrypt(1, sealed)


def test_a_link_carries_its_parts_and_survives_a_rotation(keys) -> None:
    token = secrets.sign("unsubscribe", 7, "zoë@example.com")
    keys(NEW, OLD)
    assert secrets.verify("unsubscribe", token) == ["7", "zoë@example.com"]


def test_a_link_is_good_for_one_purpose(keys) -> None:
    with pytest.raises(Invalid):
        secrets.verify("preview", secrets.sign("unsubscribe", 7))


@given(st.text(max_size=60))
def test_no_made_up_link_is_accepted(token: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENCRYPTION_KEYS", OLD)
        config.cache_clear()
        with pytest.raises(Invalid):
            secrets.verify("unsubscribe", token)
    config.cache_clear()
