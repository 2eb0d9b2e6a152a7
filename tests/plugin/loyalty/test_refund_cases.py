"""The stories of docs/refunds.md, played on the real tables; and the document says what the cases say."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import broken
from tests.plugin.loyalty.refund_cases import CASES, Case, rendered
from tests.plugin.loyalty.refund_steps import World

DOCS = Path(__file__).parents[3] / "docs" / "refunds.md"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_points_are_as_told(session: Session, shop: Shop, case: Case) -> None:
    world = World(session, shop, case.draft)
    world.begin()
    for step, after in case.steps:
        step.run(world)
        assert world.stands() == (after if isinstance(after, tuple) else (after, 0, 0)), step.words
        assert broken(session) == []


def test_there_are_forty_and_the_document_shows_them() -> None:
    assert len(CASES) >= 40 and len({case.title for case in CASES}) == len(CASES)
    assert DOCS.read_text() == rendered(), "python -m tests.plugin.loyalty.refund_cases > docs/refunds.md"
