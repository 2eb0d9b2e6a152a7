"""Every broken variant against its scenario, and the same scenario against the product as it is."""

from __future__ import annotations

from tests.chaos import house as houses
from tests.chaos.mailbox import Mailbox
from tests.chaos.mutants.scenarios import SCENARIOS, Ground
from tests.chaos.stack import stacked
from tests.chaos.store import Stores
from tests.chaos.storm import say
from tests.chaos.traffic import Clock
from tests.chaos.world import WORDS, World


def catch_all(seed: int) -> bool:
    """Whether every variant was caught, and the product itself never; prints how many were."""
    clock = Clock()
    worlds = [World(place, clock.now) for place in range(len(WORDS))]
    stores, mails = Stores(worlds, seed), Mailbox(seed)
    caught, innocent = 0, 0
    try:
        with stacked(stores.url, mails.url) as stack:
            ground = Ground(stack, houses.build(stack, worlds), worlds, mails)
            for mutant, scenario in SCENARIOS.items():
                caught += bool(_seen(ground, mutant, mutant, scenario))
                innocent += not _seen(ground, "nothing", mutant, scenario)
    finally:
        mails.close()
        stores.close()
    print(f"the product itself stood {innocent} of {len(SCENARIOS)} scenarios")
    print(f"mutants caught {caught} of {len(SCENARIOS)}", flush=True)
    return caught == innocent == len(SCENARIOS)


def _seen(ground: Ground, variant: str, name: str, scenario: object) -> list[str]:
    ground.stack.mutant = variant
    ground.stack.environment["REGULARS_CHAOS_MUTANT"] = variant
    seen: list[str] = scenario(ground)  # type: ignore[operator]
    say(f"{name}, built as {variant}: {'; '.join(seen[:2]) or 'nothing seen'}")
    return seen
