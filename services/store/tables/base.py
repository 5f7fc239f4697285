"""What every table shares: aware moments, and which wall of row-level security it stands behind."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import DateTime, Dialect, MetaData, Table
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel


class Moment(TypeDecorator[datetime]):
    """A `timestamptz` that refuses a naive datetime instead of guessing its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime; send UTC. Raises: ValueError."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the store")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in `datetime.UTC`."""
        return None if value is None else value.astimezone(UTC)


class Wall(StrEnum):
    """Which rows a bound role may see."""

    PATIENT = "patient"
    """By `patient_id`: the bound patient, or the clinician's care team."""
    SUBJECT = "subject"
    """By `subject_id`, the random id of narrow rows."""
    NONE = "none"
    """No row-level rule: privileges alone decide."""


class RecordTable(SQLModel):
    """Base of every table in the record's database."""

    metadata = MetaData()


class KeyTable(SQLModel):
    """Base of every table in the database of wrapped keys."""

    metadata = MetaData()


def core(model: type[SQLModel]) -> Table:
    """Return the SQLAlchemy Core table of a table class."""
    return cast(Table, cast(Any, model).__table__)
