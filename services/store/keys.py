"""Data keys: fetched from their own database, unwrapped, and kept for a minute in this process."""

import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.ids import new_secret
from services.store.errors import KeyDestroyed, NoKey
from services.store.sealed import KEY_BYTES, KeyEncryptionKeys
from services.store.tables.keys import WRAPPED_KEYS

# A destroyed key stays usable in other processes for this long at most.
CACHE_S = 60.0
CACHE_LIMIT = 4096


class KeyRing:
    """The data keys of patients, for one process."""

    def __init__(self, engine: AsyncEngine, keks: KeyEncryptionKeys) -> None:
        self._engine = engine
        self._keks = keks
        self._cache: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def fetch(self, patient_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the data key of each patient, one query for those not cached.

        Raises:
            NoKey: a patient never had a key.
            KeyUnknown: the KEK of a key is not in the secrets.
            KeyDestroyed: a patient's key was destroyed.
        """
        wanted = list(dict.fromkeys(patient_ids))
        fresh_after = time.monotonic() - CACHE_S
        found: dict[str, bytes] = {}
        for patient_id in wanted:
            entry = self._cache.get(patient_id)
            if entry is not None and entry[0] > fresh_after:
                found[patient_id] = entry[1]
        missing = [patient_id for patient_id in wanted if patient_id not in found]
        if missing:
            found.update(await self._read(missing))
        return found

    async def create(self, patient_id: str, *, now: datetime) -> bytes:
        """Make and keep a patient's data key. Committed at once: an unused key does no harm."""
        data_key = new_secret(KEY_BYTES)
        kek_id, wrapped = self._keks.wrap(patient_id, data_key)
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(WRAPPED_KEYS).values(
                    patient_id=patient_id, kek_id=kek_id, wrapped=wrapped, created_at=now
                )
            )
        self._remember(patient_id, data_key)
        return data_key

    async def destroy(self, patient_id: str, *, now: datetime) -> bool:
        """Overwrite a patient's wrapped key and rewrite its table; False if it was gone before."""
        statement = (
            update(WRAPPED_KEYS)
            .where(WRAPPED_KEYS.c.patient_id == patient_id, WRAPPED_KEYS.c.wrapped.is_not(None))
            .values(wrapped=None, destroyed_at=now)
            .returning(WRAPPED_KEYS.c.patient_id)
        )
        async with self._engine.begin() as connection:
            done = (await connection.execute(statement)).first() is not None
        self._cache.pop(patient_id, None)
        # An updated row leaves its old version in the file until the table is rewritten.
        async with self._engine.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await autocommit.exec_driver_sql("VACUUM (FULL) wrapped_keys")
        return done

    async def rewrap(self, *, limit: int = 500) -> int:
        """Wrap up to `limit` keys anew under the newest KEK; return how many. 0: all done.

        Each call is one transaction, so that an interrupted rotation goes on where it stopped.
        """
        table = WRAPPED_KEYS
        stale = (
            select(table.c.patient_id, table.c.kek_id, table.c.wrapped)
            .where(table.c.kek_id != self._keks.newest, table.c.wrapped.is_not(None))
            .order_by(table.c.patient_id)
            .limit(limit)
            .with_for_update()
        )
        async with self._engine.begin() as connection:
            rows = (await connection.execute(stale)).all()
            for patient_id, kek_id, wrapped in rows:
                data_key = self._keks.unwrap(patient_id, kek_id, wrapped)
                new_id, again = self._keks.wrap(patient_id, data_key)
                await connection.execute(
                    update(table)
                    .where(table.c.patient_id == patient_id)
                    .values(kek_id=new_id, wrapped=again)
                )
        return len(rows)

    async def _read(self, patient_ids: list[str]) -> dict[str, bytes]:
        table = WRAPPED_KEYS
        statement = select(table.c.patient_id, table.c.kek_id, table.c.wrapped).where(
            table.c.patient_id.in_(patient_ids)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).all()
        found: dict[str, bytes] = {}
        for patient_id, kek_id, wrapped in rows:
            if wrapped is None:
                raise KeyDestroyed(f"the data key of patient {patient_id} was destroyed")
            found[patient_id] = self._keks.unwrap(patient_id, kek_id, wrapped)
            self._remember(patient_id, found[patient_id])
        for patient_id in patient_ids:
            if patient_id not in found:
                raise NoKey(f"patient {patient_id} has no data key")
        return found

    def _remember(self, patient_id: str, data_key: bytes) -> None:
        self._cache[patient_id] = (time.monotonic(), data_key)
        self._cache.move_to_end(patient_id)
        while len(self._cache) > CACHE_LIMIT:
            self._cache.popitem(last=False)
