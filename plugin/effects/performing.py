"""Performing recorded effects: claimed (lease) → calling (committed just before the call) → done | failed | unknown.

A process may die or be paused at any line. Before `calling` is committed nothing was sent, so the row is simply taken
again. After it the outcome is not known: then the effect is looked up before anything is repeated, and what cannot be
looked up is shown to the admin as `unknown`. An answer and what follows from it are stored in one transaction.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, replace
from functools import cache
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import func
from sqlalchemy.orm import Session

from plugin import pace
from plugin.db import engine as db
from plugin.effects.claims import LEASE_SECONDS, Claim, begin_call, claim_one, move, state_of
from plugin.effects.operations import GIVEN_BACK, UNAUTHORIZED
from plugin.effects.rules import MOST_ATTEMPTS, MOST_LAPSES, delay
from plugin.errors import OutcomeUnknown, RegularsError, Throttled, Unauthorized, Unavailable

Payload = dict[str, Any]
CALL_SECONDS = 30  # the longest that one request takes (plugin.shopify.client)
log = structlog.get_logger()


@dataclass(frozen=True)
class Performer:
    """How one kind of effect is performed. `shop` is the row of plugin.shops.

    `call` goes outside, without a transaction; its answer is handed to `done`, in the transaction that marks the row.
    `look_up` says what an earlier call brought about, None when it did not happen. `failed` runs in the transaction
    that gives up. `repeatable` calls do no harm when made twice (reads, setting a state).
    """

    call: Callable[[Any, Payload], Payload]
    done: Callable[[Session, Any, Payload, Payload], None]
    look_up: Callable[[Any, Payload], Payload | None] | None = None
    failed: Callable[[Session, Any, Payload, Exception], None] | None = None
    repeatable: bool = False


@dataclass(frozen=True)
class Failure:
    """A step that raised."""

    error: Exception


_performers: dict[str, Performer] = {}
_shop_of: list[Callable[[Session], Any]] = []


def use(performers: Mapping[str, Performer], shop: Callable[[Session], Any]) -> None:
    """Said once by the composition root: who performs which kind, and how a scope's shop is read."""
    _performers.clear()
    _performers.update(performers)
    _shop_of[:] = [shop]


def perform_one(shop_id: int, effect_id: int) -> str:
    """Perform this effect in this thread if nobody holds it; its state afterwards."""
    if claim := claim_one(shop_id, effect_id):
        perform(claim, pace.WAITED_FOR)
    return state_of(shop_id, effect_id)


def perform_now(shop_id: int, effect_id: int, seconds: float = 3.0) -> str:
    """Perform an effect somebody waits for, after its commit; its state after at most `seconds`.

    What takes longer goes on in the background; what has not begun is left to a worker.
    """
    work = _background().submit(perform_one, shop_id, effect_id)
    try:
        return work.result(timeout=seconds)
    except TooLate:
        work.cancel()
        return state_of(shop_id, effect_id)


def perform(claim: Claim, speed: pace.Pace = pace.BACKGROUND) -> float:
    """Everything that is left to do for a claimed effect; for how many seconds its store wants to be left alone."""
    performer = _performers.get(claim.kind)
    if performer is None:
        _give_up(claim, None, None, RegularsError("This version does not know how to perform this task."))
    elif claim.attempts > MOST_ATTEMPTS or claim.lapses > MOST_LAPSES:
        _too_often(claim, performer)
    else:
        with db.transaction(claim.shop_id) as session:
            shop = _shop_of[0](session)
        return _perform(claim, performer, shop, speed)
    return 0.0


def _perform(claim: Claim, performer: Performer, shop: Any, speed: pace.Pace) -> float:
    with pace.at(_until(speed, claim.taken_at)):
        answer = _known_answer(claim, performer, shop)
    if isinstance(answer, Failure):
        _not_looked_up(claim, performer, shop, answer.error)
        return _rest(answer.error)
    if answer is None:
        began = monotonic()
        if not begin_call(claim):
            return 0.0
        with pace.at(_until(speed, began)):
            answer = _try(claim, performer.call, shop, claim.payload)
    if isinstance(answer, Failure):
        _not_called(claim, performer, shop, answer.error)
        return _rest(answer.error)
    _finish(claim, performer, shop, answer)
    return 0.0


def _until(speed: pace.Pace, leased_at: float) -> pace.Pace:
    """Nothing is sent so late that the lease could end before the answer: somebody else may hold the effect then."""
    return replace(speed, until=leased_at + LEASE_SECONDS - CALL_SECONDS, whole=True)


def _rest(error: Exception) -> float:
    return error.after if isinstance(error, Throttled) else 0.0


def _known_answer(claim: Claim, performer: Performer, shop: Any) -> Payload | Failure | None:
    """What is stored or can be looked up about an earlier call; None when there is nothing to know."""
    if claim.result is not None or not claim.called or performer.repeatable:
        return claim.result
    if performer.look_up is None:
        return Failure(OutcomeUnknown("A call was cut off, and its outcome cannot be looked up."))
    return _try(claim, performer.look_up, shop, claim.payload)


def _finish(claim: Claim, performer: Performer, shop: Any, answer: Payload) -> None:
    stored = _try(claim, _store, claim, performer, shop, answer)
    if isinstance(stored, Failure):
        _change(claim, _waiting(claim, stored.error) | {"result": answer, "called_at": None})


def _store(claim: Claim, performer: Performer, shop: Any, answer: Payload) -> None:
    with db.transaction(claim.shop_id) as session:
        done = {"state": "done", "result": answer, "done_at": func.clock_timestamp(), "called_at": None, "error": None}
        if move(session, claim, done):
            performer.done(session, shop, claim.payload, answer)


def _not_looked_up(claim: Claim, performer: Performer, shop: Any, error: Exception) -> None:
    """Still nobody knows whether it happened, so `called_at` stays."""
    if performer.look_up is None or claim.attempts >= MOST_ATTEMPTS or not isinstance(error, Unavailable | Throttled):
        return _change(claim, {"state": "unknown", "error": _sentence(error)})
    return _change(claim, _waiting(claim, error))


def _not_called(claim: Claim, performer: Performer, shop: Any, error: Exception) -> None:
    may_have_happened = isinstance(error, OutcomeUnknown) or not isinstance(error, RegularsError)
    if may_have_happened and not performer.repeatable:
        return _unsure(claim, performer, error)
    if claim.attempts < MOST_ATTEMPTS and (may_have_happened or isinstance(error, Unavailable | Throttled)):
        return _change(claim, _waiting(claim, error) | {"called_at": None})
    return _give_up(claim, performer, shop, error)


def _unsure(claim: Claim, performer: Performer, error: Exception) -> None:
    if performer.look_up is None or claim.attempts >= MOST_ATTEMPTS:
        return _change(claim, {"state": "unknown", "error": _sentence(error)})
    return _change(claim, _waiting(claim, error))


def _too_often(claim: Claim, performer: Performer) -> None:
    """The process died each time: stop before it takes the others along."""
    error = RegularsError("This was tried too often and never came to an end.")
    if claim.called and not performer.repeatable:
        return _change(claim, {"state": "unknown", "error": _sentence(error)})
    return _give_up(claim, None, None, error)


def _give_up(claim: Claim, performer: Performer | None, shop: Any, error: Exception) -> None:
    log.warning("effect_failed", error=type(error).__name__, **_about(claim))
    told = _try(claim, _fail, claim, performer, shop, error)
    if isinstance(told, Failure):
        _try(claim, _fail, claim, None, shop, error)


def _fail(claim: Claim, performer: Performer | None, shop: Any, error: Exception) -> None:
    failed = {"state": "failed", "error": _sentence(error), "called_at": None, "done_at": func.clock_timestamp()}
    failed["reason"] = _reason(error, performer)
    with db.transaction(claim.shop_id) as session:
        if move(session, claim, failed) and performer and performer.failed:
            performer.failed(session, shop, claim.payload, error)


def _waiting(claim: Claim, error: Exception) -> Payload:
    """Columns of an effect that is tried again; being throttled does not count as a try, taking too long does."""
    told = isinstance(error, Throttled)
    seconds = _rest(error) if told else delay(claim.attempts, random.random())
    return {
        "state": "pending",
        "lease": None,
        "attempts": claim.attempts - (told and not isinstance(error, pace.TurnOver)),
        "lapses": 0,
        "next_attempt_at": func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds),
        "error": _sentence(error),
    }


def _change(claim: Claim, columns: Payload) -> None:
    with db.transaction(claim.shop_id) as session:
        move(session, claim, columns)


def _try(claim: Claim, step: Callable[..., Any], *arguments: Any) -> Any:
    """The step's value, or its Failure. The one place of this feature that catches everything: rows get marked."""
    try:
        return step(*arguments)
    except Exception as error:  # noqa: BLE001
        log.warning("effect_step_failed", error=type(error).__name__, **_about(claim))
        return Failure(error)


def _about(claim: Claim) -> Payload:
    return {"shop_id": claim.shop_id, "effect_id": claim.id, "kind": claim.kind, "attempts": claim.attempts}


def _reason(error: Exception, performer: Performer | None) -> str:
    """Why, for machines: `given_back` is over, `unauthorized` is opened anew when the shop signs in again."""
    if performer is not None and performer.failed is not None:
        return GIVEN_BACK
    if isinstance(error, Unauthorized):
        return UNAUTHORIZED
    if isinstance(error, Unavailable | Throttled):
        return "unavailable"
    return "refused" if isinstance(error, RegularsError) else "mistake"


def _sentence(error: Exception) -> str:
    """What the panel shows: our own sentences, and of foreign errors the class alone (texts may name people)."""
    if isinstance(error, RegularsError):
        return str(error)
    return str(RegularsError("Something went wrong on our side (%(error)s).", error=type(error).__name__))


@cache
def _background() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="effects")
