"""One list of topics: what the app declares is what the code knows."""

from __future__ import annotations

from plugin.config import manifest
from webhooks.topics import TOPICS


def declared() -> set[str]:
    topics: set[str] = set()
    for subscription in manifest()["webhooks"]["subscriptions"]:
        topics |= set(subscription.get("topics", [])) | set(subscription.get("compliance_topics", []))
    return topics


def test_the_table_of_topics_is_what_the_app_declares() -> None:
    assert set(TOPICS) == declared()


def test_each_topic_has_a_kind_that_means_something() -> None:
    assert set(TOPICS.values()) == {"state", "change", "deletion", "notice"}
