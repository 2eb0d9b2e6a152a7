from sqlalchemy import Engine, text

from plugin.db import engine as db
from plugin.shops.models import Shop
from plugin.sync import plans


def kept(shop: Shop) -> str:
    with db.transaction(shop.id) as session:
        return str(session.execute(text("SHOW plan_cache_mode")).scalar_one())


def test_plans_are_steady_for_a_batch_and_nothing_else(database: Engine, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        plans.steady(session).execute("SELECT 1")
        assert session.execute(text("SHOW plan_cache_mode")).scalar_one() == "force_generic_plan"
    assert kept(shop) == "auto"


def test_a_connection_makes_its_plans_anew_as_tables_grow(database: Engine, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        info = session.connection().info
        info.update(batches=0, replan_at=plans.FIRST_BATCHES)
        at = []
        for _ in range(9):
            plans.steady(session)
            at.append(info["replan_at"])
    assert at == [2, 8, 8, 8, 8, 8, 8, 32, 32]
