"""The record: tables, vault, audit events, outbox. Start at `store.py`."""

from services.store.errors import Changed, NotInRecord, NotOpen
from services.store.roles import Acting, Role
from services.store.store import Store
from services.store.transaction import Transaction

__all__ = ["Acting", "Changed", "NotInRecord", "NotOpen", "Role", "Store", "Transaction"]
