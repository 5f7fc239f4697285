"""Alembic migrations of the two databases. Revisions name plain SQL types, never this code."""

from typing import Any, Literal

from sqlmodel.sql.sqltypes import AutoString

from services.store.tables.base import Moment
from services.store.tables.log import TransactionNumber


def render_item(kind: str, item: Any, context: Any) -> str | Literal[False]:
    """Write this store's own column types as the SQL types that they stand for."""
    if kind != "type":
        return False
    if isinstance(item, AutoString):
        return "sa.String()"
    if isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, TransactionNumber):
        context.imports.add("from services.store.tables.log import TransactionNumber")
        return "TransactionNumber()"
    return False
