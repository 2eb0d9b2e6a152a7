"""The door to the Admin API: patience, repeats, and what is never sent twice. Over real sockets."""

from __future__ import annotations

import json
import logging
from time import monotonic

import pytest

from plugin import pace
from plugin.errors import OutcomeUnknown, Throttled, Unauthorized, Unavailable
from plugin.shopify import client, documents
from plugin.shopify.documents import Document
from plugin.shopify.errors import Denied, UserErrors
from tests.fake_store import SHOP_INFO, Answer, FakeStore, cost, data, throttled

SHOP = "vec-shop.myshopify.com"
READ = "ShopInfo"
CHANGE = "ChangeSomething"


@pytest.fixture(autouse=True)
def a_mutation(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """An operations folder with one query and one mutation."""
    real = (documents.FOLDER / f"{READ}.graphql").read_text()
    (tmp_path / f"{READ}.graphql").write_text(real)
    (tmp_path / f"{CHANGE}.graphql").write_text("mutation ChangeSomething { changed { userErrors { message } } }")
    monkeypatch.setattr(documents, "FOLDER", tmp_path)
    documents.document.cache_clear()
    yield
    documents.document.cache_clear()


def ask(operation: str = READ, at: pace.Pace = pace.USUAL) -> dict:
    with pace.at(at):
        return client.execute(SHOP, "a-token", operation, {"id": 1})


def test_an_operation_goes_out_with_name_text_variables_and_token(store: FakeStore) -> None:
    store.will(data(shop=SHOP_INFO))
    assert ask() == {"shop": SHOP_INFO}
    asked = store.asked[0]
    assert asked.path == "/admin/api/2026-10/graphql.json"
    assert asked.headers["X-Shopify-Access-Token"] == "a-token"
    assert asked.body["operationName"] == READ and asked.body["variables"] == {"id": 1}
    assert "query ShopInfo" in asked.body["query"]


def test_two_tokens_never_share_a_connection(store: FakeStore) -> None:
    store.will(data(shop=SHOP_INFO))
    for token in ("a", "b", "a"):
        client.execute(SHOP, token, READ)
    assert [asked.headers["X-Shopify-Access-Token"] for asked in store.asked] == ["a", "b", "a"]


def test_throttled_twice_waits_as_long_as_asked_and_goes_on(store: FakeStore) -> None:
    store.will(throttled(100, 80, 100), throttled(100, 70, 100), data(shop=SHOP_INFO))
    started = monotonic()
    assert ask() == {"shop": SHOP_INFO}
    assert 0.45 < monotonic() - started < 3
    assert len(store.asked) == 3


def test_a_mutation_that_was_throttled_is_sent_again_because_it_was_not_run(store: FakeStore) -> None:
    store.will(throttled(), data(changed={"userErrors": []}))
    assert ask(CHANGE) == {"changed": {"userErrors": []}}


def test_a_wait_beyond_the_patience_is_the_callers(store: FakeStore) -> None:
    store.will(throttled(requested=900, available=0, rate=10))
    with pytest.raises(Throttled) as told:
        ask(at=pace.Pace(patience=1))
    assert 80 < told.value.after <= 90
    assert len(store.asked) == 1


def test_before_it_asks_it_waits_for_the_points_it_needed_last_time(store: FakeStore) -> None:
    store.will(Answer({"data": {"shop": 1}, "extensions": {"cost": cost(requested=60, available=40, rate=100)}}))
    ask()
    started = monotonic()
    ask()
    assert monotonic() - started > 0.15


def test_another_stores_bucket_does_not_slow_this_one(store: FakeStore) -> None:
    store.will(Answer({"data": {"shop": 1}, "extensions": {"cost": cost(requested=500, available=0, rate=1)}}))
    ask()
    started = monotonic()
    client.execute("other.myshopify.com", "b", READ)
    assert monotonic() - started < 1


def test_retry_after_may_have_decimals(store: FakeStore) -> None:
    store.will(Answer({}, status=429, headers={"Retry-After": "0.4"}), data(shop=SHOP_INFO))
    started = monotonic()
    ask()
    assert 0.35 < monotonic() - started < 2


def test_a_long_retry_after_is_the_callers(store: FakeStore) -> None:
    store.will(Answer({}, status=429, headers={"Retry-After": "40"}))
    with pytest.raises(Throttled) as told:
        ask()
    assert told.value.after == 40


@pytest.mark.parametrize(
    "answer", [Answer("", status=502), Answer("", status=503), Answer(cut=True), Answer(b"<html>")]
)
def test_a_query_is_sent_again_after_a_failure(store: FakeStore, answer: Answer) -> None:
    store.will(answer, data(shop=SHOP_INFO))
    assert ask() == {"shop": SHOP_INFO}


@pytest.mark.parametrize(
    "answer", [Answer("", status=502), Answer("", status=504), Answer(cut=True), Answer(b"<html>")]
)
def test_a_mutation_that_left_is_never_sent_again(store: FakeStore, answer: Answer) -> None:
    store.will(answer)
    with pytest.raises(OutcomeUnknown):
        ask(CHANGE)
    assert len(store.asked) == 1


def test_a_query_gives_up_after_three_tries(store: FakeStore) -> None:
    store.will(Answer("", status=503))
    with pytest.raises(Unavailable) as told:
        ask()
    assert not isinstance(told.value, OutcomeUnknown)
    assert len(store.asked) == 3


def test_a_slow_answer_is_cut_off(store: FakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUTS", (1, 0.2))
    store.will(Answer({}, slow=1.0))
    with pytest.raises(OutcomeUnknown):
        ask(CHANGE)


def test_nobody_listening_is_known_not_to_have_happened(store: FakeStore) -> None:
    store.close()
    with pytest.raises(Unavailable) as told:
        ask(CHANGE)
    assert not isinstance(told.value, OutcomeUnknown)


def test_user_errors_are_a_refusal_with_codes(store: FakeStore) -> None:
    said = {"field": ["code"], "message": "Code must be unique.", "code": "TAKEN"}
    store.will(data(changed={"userErrors": [said]}))
    with pytest.raises(UserErrors, match="must be unique") as told:
        ask(CHANGE)
    assert told.value.codes == {"TAKEN"} and told.value.errors == [said]


@pytest.mark.parametrize("status", [401])
def test_a_dead_token_is_unauthorized(store: FakeStore, status: int) -> None:
    store.will(Answer({}, status=status))
    with pytest.raises(Unauthorized):
        ask()


@pytest.mark.parametrize("status", [402, 423])
def test_a_frozen_store_is_tried_later(store: FakeStore, status: int) -> None:
    store.will(Answer({}, status=status))
    with pytest.raises(Unavailable):
        ask()


@pytest.mark.parametrize("status", [301, 403, 404])
def test_other_answers_are_final_and_redirects_are_not_followed(store: FakeStore, status: int) -> None:
    store.will(Answer({}, status=status, headers={"Location": store.url}))
    with pytest.raises(Denied):
        ask()
    assert len(store.asked) == 1


def refused(code: str, data: object = None) -> Answer:
    return Answer({"errors": [{"message": "no", "extensions": {"code": code}}], "data": data})


def test_a_field_the_store_does_not_share_is_null(store: FakeStore) -> None:
    store.will(refused("ACCESS_DENIED", {"shop": {"email": None}}))
    assert ask() == {"shop": {"email": None}}


def test_no_access_at_all_is_denied(store: FakeStore) -> None:
    store.will(refused("ACCESS_DENIED"))
    with pytest.raises(Denied) as told:
        ask()
    assert told.value.codes == {"ACCESS_DENIED"}


def test_an_operation_that_is_too_dear_is_not_tried_again(store: FakeStore) -> None:
    store.will(refused("MAX_COST_EXCEEDED"))
    with pytest.raises(Denied):
        ask()
    assert len(store.asked) == 1


def test_a_store_that_failed_inside_a_mutation_leaves_the_outcome_unknown(store: FakeStore) -> None:
    store.will(refused("INTERNAL_SERVER_ERROR"))
    with pytest.raises(OutcomeUnknown):
        ask(CHANGE)
    with pytest.raises(Unavailable):
        ask()


def test_another_version_than_asked_is_noticed(store: FakeStore, capsys: pytest.CaptureFixture) -> None:
    store.will(Answer({"data": {"shop": 1}}, headers={"X-Shopify-API-Version": "2027-01"}))
    ask()
    assert "shopify_other_version" in "".join(capsys.readouterr())


def test_no_body_and_no_token_is_logged(store: FakeStore, caplog: pytest.LogCaptureFixture, capsys) -> None:
    caplog.set_level(logging.DEBUG)
    answer = {"data": {"shop": {"email": "canary@example.com"}}, "errors": [{"message": "canary@example.com"}]}
    store.will(Answer(answer))
    with pytest.raises(Denied) as told:
        ask()
    written = "".join(capsys.readouterr()) + caplog.text + json.dumps(str(told.value))
    assert "canary@example.com" not in written and "a-token" not in written


def test_a_mutation_is_recognised_by_its_text(tmp_path) -> None:
    assert documents.document(CHANGE) == Document(CHANGE, documents.document(CHANGE).text, is_mutation=True)
    assert not documents.document(READ).is_mutation
    with pytest.raises(KeyError, match="Missing"):
        documents.document("Missing")


def test_work_in_the_background_leaves_half_of_the_points_to_those_who_wait(store: FakeStore) -> None:
    half_empty = {"data": {"shop": SHOP_INFO}, "extensions": {"cost": cost(requested=10, available=900, rate=10)}}
    store.will(Answer(half_empty))
    ask(at=pace.BACKGROUND)
    with pytest.raises(Throttled) as told:
        ask(at=pace.BACKGROUND)
    assert 10 < told.value.after <= 11 and len(store.asked) == 1  # 1,000 kept and 10 needed, 900 there, 10 a second
    started = monotonic()
    assert ask(at=pace.WAITED_FOR) == {"shop": SHOP_INFO}
    assert monotonic() - started < 1


def test_nothing_is_sent_after_the_turn_is_over(store: FakeStore) -> None:
    store.will(data(shop=SHOP_INFO))
    with pytest.raises(Throttled):
        ask(at=pace.Pace(until=monotonic() - 0.001))
    assert store.asked == []


def test_what_was_begun_is_finished(store: FakeStore) -> None:
    short = {"data": {"shop": SHOP_INFO}, "extensions": {"cost": cost(requested=60, available=0, rate=100)}}
    store.will(Answer(short))
    began = pace.Pace(patience=0.1, reserve=0.5, whole=True)
    with pace.at(began):
        client.execute(SHOP, "a-token", READ)
        client.execute(SHOP, "a-token", READ)  # waits for its 60 points, and leaves none
    with pytest.raises(Throttled):
        ask(at=began)
    assert len(store.asked) == 2
