"""How a programme version's tiers are reached, kept and lost: the part `tiers` of its document, and a tier's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol, get_args

import msgspec

from plugin.errors import Invalid

Metric = Literal["spend", "points", "orders", "referrals"]
Window = Literal["days", "year", "lifetime"]
Downgrade = Literal["at_once", "year_end", "one_step", "never"]
METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
LARGEST: Final = 10**12
MOST_PERKS: Final = 20
LONGEST_PERK: Final = 200
LONGEST_PREFIX: Final = 100  # a tag has at most 255 characters in the store, and the tier's name follows


class Ladder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rules all tiers share. Days and years are the shop's.

    `metrics` is what is measured within the window: spend net of refunds, points earned with orders, orders that count,
    friends who were rewarded. With `all` a tier asks for every metric, with `any` one is enough. `days` is a rolling
    window of the version's tier_days. Customers of a tier carry a tag in the store when there is a `tag_prefix`.
    """

    metrics: tuple[Metric, ...] = ("spend",)
    match: Literal["all", "any"] = "all"
    window: Window = "days"
    grace_days: int = 0
    downgrade: Downgrade = "at_once"
    tag_prefix: str = ""
    metafield: bool = False
    mail_up: bool = True
    mail_risk: bool = True


class TierTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One tier beside its threshold of spend and its rate.

    `entry` are thresholds of the other metrics; `keep` lower ones that are enough to stay, for any metric. A hidden
    tier is shown to nobody before they are in it; a manual one is given by staff alone. `reward_points` are for
    entering it, once a person.
    """

    entry: dict[Metric, int] = {}
    keep: dict[Metric, int] = {}
    hidden: bool = False
    manual: bool = False
    reward_points: int = 0
    perks: tuple[str, ...] = ()


PLAIN: Final = Ladder()
SIMPLE: Final = TierTerms()


class Rung(Protocol):
    """What a tier, drafted or kept, says of itself."""

    @property
    def name(self) -> str: ...
    @property
    def threshold_minor(self) -> int: ...
    @property
    def terms(self) -> TierTerms: ...


def read(raw: dict[str, Any] | None) -> TierTerms:
    """A tier's terms as they are kept. Raises msgspec.ValidationError for those that a newer release wrote."""
    return msgspec.convert(raw, TierTerms) if raw else SIMPLE


def written(terms: TierTerms) -> dict[str, Any]:
    """As they are kept: JSON values, defaults left out."""
    kept: dict[str, Any] = msgspec.to_builtins(terms)
    return kept


def entry(rung: Rung, metric: Metric) -> int:
    """What the tier asks of a metric."""
    return rung.threshold_minor if metric == "spend" else rung.terms.entry.get(metric, 0)


def keep(rung: Rung, metric: Metric) -> int:
    """What is enough to stay."""
    return rung.terms.keep.get(metric, entry(rung, metric))


def met(ladder: Ladder, asked: Sequence[int], measures: Sequence[int]) -> bool:
    """Whether the measures are enough; both in the order of `ladder.metrics`. With `any`, 0 asks for nothing unless
    every metric asks for 0."""
    if ladder.match == "all" or not any(asked):
        return all(have >= need for have, need in zip(measures, asked, strict=True))
    return any(have >= need > 0 for have, need in zip(measures, asked, strict=True))


def is_plain(ladder: Ladder, rungs: Sequence[Rung]) -> bool:
    """Whether a tier is lost with the number that brought it, so that it depends on the window's numbers alone."""
    return ladder.downgrade == "at_once" and not ladder.grace_days and not any(rung.terms.keep for rung in rungs)


def check(ladder: Ladder) -> None:
    """Raises Invalid at the first field that cannot be used."""
    if not ladder.metrics or len(set(ladder.metrics)) < len(ladder.metrics):
        raise Invalid("Choose at least one thing that counts.", "metrics")
    if not 0 <= ladder.grace_days <= 365:
        raise Invalid("Enter between 0 and 365 days.", "grace_days")
    if ladder.downgrade == "one_step" and not ladder.grace_days:
        raise Invalid("Going down one tier at a time needs days of grace between the steps.", "grace_days")
    if len(ladder.tag_prefix) > LONGEST_PREFIX or "," in ladder.tag_prefix:
        raise Invalid("Use at most %(most)s characters and no comma.", "tag_prefix", most=LONGEST_PREFIX)


def check_rungs(ladder: Ladder, rungs: Sequence[Rung]) -> None:
    """Raises Invalid at `tiers-<position>-<field>`: a ladder rises in what it asks, and no two tiers ask the same."""
    names: set[str] = set()
    below: Rung | None = None
    for number, rung in enumerate(rungs):
        where = f"tiers-{number}"
        _check_rung(ladder, rung, where)
        if rung.name.strip().casefold() in names:
            raise Invalid("Another tier has this name.", f"{where}-name")
        names.add(rung.name.strip().casefold())
        if rung.terms.manual:
            continue
        if below is not None:
            _check_above(ladder, rung, below, where)
        below = rung


def _check_rung(ladder: Ladder, rung: Rung, where: str) -> None:
    terms = rung.terms
    if not 0 <= terms.reward_points <= LARGEST:
        raise Invalid("Enter 0 or more points.", f"{where}-reward_points")
    if len(terms.perks) > MOST_PERKS or any(len(perk) > LONGEST_PERK for perk in terms.perks):
        raise Invalid("Use at most %(most)s characters.", f"{where}-perks", most=LONGEST_PERK)
    for metric in ladder.metrics:
        if not 0 <= entry(rung, metric) <= LARGEST:
            raise Invalid("Enter a number from 0 up.", _field(where, metric))
        if not 0 <= keep(rung, metric) <= entry(rung, metric):
            raise Invalid("Staying cannot ask for more than entering.", f"{where}-keep_{metric}")


def _check_above(ladder: Ladder, rung: Rung, below: Rung, where: str) -> None:
    for metric in ladder.metrics:
        if entry(rung, metric) < entry(below, metric):
            raise Invalid("This tier asks for less than the one before it.", _field(where, metric))
        if keep(rung, metric) < keep(below, metric):
            raise Invalid("Staying here asks for less than in the tier before.", f"{where}-keep_{metric}")
    if all(entry(rung, metric) == entry(below, metric) for metric in ladder.metrics):
        raise Invalid("Enter an amount that no other tier has.", _field(where, ladder.metrics[0]))


def _field(where: str, metric: Metric) -> str:
    return f"{where}-threshold_minor" if metric == "spend" else f"{where}-entry_{metric}"
