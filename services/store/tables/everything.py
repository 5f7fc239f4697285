"""Importing this module makes every table known to the metadata of its database."""

from sqlalchemy import MetaData

from services.store.tables import (
    choices,
    keys,
    log,
    measurements,
    outcomes,
    people,
    together,
    treatment,
)
from services.store.tables.base import KeyTable, RecordTable

MODULES = (choices, keys, log, measurements, outcomes, people, together, treatment)
RECORD: MetaData = RecordTable.metadata
KEYS: MetaData = KeyTable.metadata
