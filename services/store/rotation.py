"""Rotation of the key-encryption key: every data key wrapped anew, a batch a transaction."""

from services.settings import Settings
from services.store.roles import Role
from services.store.store import Store

BATCH = 500


async def rewrap_all(settings: Settings) -> int:
    """Wrap every data key under the newest KEK and return how many; stopped, it goes on later.

    Raises:
        KeyUnknown: a data key is wrapped under a KEK that is not in the secrets any more.
    """
    store = await Store.open(settings, Role.WORKER)
    try:
        total = 0
        while count := await store.keys.rewrap(limit=BATCH):
            total += count
        return total
    finally:
        await store.close()
