"""Wrapped data keys: the second database, with its own, shorter-lived backup."""

from datetime import datetime

from sqlmodel import Field

from services.store.tables.base import KeyTable, Moment, core


class WrappedKey(KeyTable, table=True):
    """One patient's data key under a key-encryption key. `wrapped` None: destroyed for ever."""

    __tablename__ = "wrapped_keys"

    patient_id: str = Field(primary_key=True)
    kek_id: str = Field(index=True)
    wrapped: bytes | None = None
    created_at: datetime = Field(sa_type=Moment)
    destroyed_at: datetime | None = Field(default=None, sa_type=Moment)


WRAPPED_KEYS = core(WrappedKey)
