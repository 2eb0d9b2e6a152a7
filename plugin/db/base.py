"""The declarative base and the few column kinds every table uses.

Tenant tables have `shop_id` first in their primary key, unique keys and foreign keys, so that a row cannot point into
another shop. Under row-level security only leakproof operators use an index: text that is filtered is `Key`
(COLLATE "C").
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, Identity, LargeBinary, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Key = Annotated[str, mapped_column(Text(collation="C"))]
Version = Annotated[bytes, mapped_column(LargeBinary, server_default="")]
Serial = Annotated[int, mapped_column(BigInteger, Identity(always=False), primary_key=True)]


class Base(DeclarativeBase):
    """All tables; integers are bigint, text unbounded, moments timestamptz."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        int: BigInteger,
        str: Text,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class OfShop:
    """A row of one shop."""

    shop_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-10)
