"""The store of one process: two engines as one database role, the keys, and transactions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from services.settings import Settings
from services.store.errors import NoKey
from services.store.keys import KeyRing
from services.store.roles import Acting, Role
from services.store.sealed import KeyEncryptionKeys, parse_key_set
from services.store.transaction import Transaction
from services.store.vault import SYSTEM

# Roles that never open a sealed field do not read the key-encryption keys.
_KEYLESS = frozenset({Role.SEALER, Role.BACKUP})
_NO_KEYS = KeyEncryptionKeys("none", {})


class Store:
    """Open with `await Store.open(settings, role)`; one for each process and role."""

    def __init__(
        self,
        *,
        role: Role,
        record: AsyncEngine,
        keys: KeyRing,
        keys_engine: AsyncEngine,
        pseudonym_key: bytes,
        blobs: Path,
    ) -> None:
        self.role = role
        self.engine = record
        self.keys = keys
        self.pseudonym_key = pseudonym_key
        self.blobs = blobs
        self._keys_engine = keys_engine
        self._subjects: dict[str, str] = {}

    @classmethod
    async def open(cls, settings: Settings, role: Role, *, pool_size: int = 5) -> "Store":
        """Return the store as one role. Connections are made when they are needed.

        Raises:
            SettingsError: a secret that the role needs is not there.
        """
        keks = _NO_KEYS if role in _KEYLESS else parse_key_set(settings.secret("kek.json"))
        pseudonym_key = b"" if role in _KEYLESS else settings.secret("pseudonym.key")
        keys_name = f"{settings.database_name}_keys"
        record = _engine(settings.database_dsn(role.value, settings.database_name), pool_size)
        keys_engine = _engine(settings.database_dsn(role.value, keys_name), 2)
        return cls(
            role=role,
            record=record,
            keys=KeyRing(keys_engine, keks),
            keys_engine=keys_engine,
            pseudonym_key=bytes.fromhex(pseudonym_key.decode()),
            blobs=settings.home / "blobs",
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        await self._keys_engine.dispose()

    @asynccontextmanager
    async def transaction(self, acting: Acting) -> AsyncIterator[Transaction]:
        """One PostgreSQL transaction on somebody's behalf; commits at its end, all or nothing.

        Raises:
            NotInRecord: `acting.patient_id` is not there, or not visible to the one who acts.
        """
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            tx = Transaction(self, session, acting)
            if acting.patient_id is None:
                await tx.apply_settings()
            else:
                await tx.bind([acting.patient_id])
            yield tx
            await tx.flush()

    async def system_key(self, *, now: datetime) -> bytes:
        """Return the key of what belongs to no patient, made by whoever needs it first."""
        try:
            return (await self.keys.fetch([SYSTEM]))[SYSTEM]
        except NoKey:
            pass
        try:
            return await self.keys.create(SYSTEM, now=now)
        except IntegrityError:
            return (await self.keys.fetch([SYSTEM]))[SYSTEM]

    def known_subject(self, patient_id: str) -> str | None:
        """Return a subject id that this process opened before.

        Never for clinicians: reading the patient's row is what shows that they may see it.
        """
        return None if self.role is Role.CLINICIAN else self._subjects.get(patient_id)

    def remember_subject(self, patient_id: str, subject_id: str) -> None:
        """Keep an opened subject id: it never changes."""
        self._subjects[patient_id] = subject_id

    def forget(self, patient_id: str) -> None:
        """Drop what this process remembers of a patient whose key was destroyed."""
        self._subjects.pop(patient_id, None)


def _engine(dsn: str, pool_size: int) -> AsyncEngine:
    # A failed statement's parameters could be about a patient: they stay out of every message.
    # A connection is asked whether it lives before it is used, so that a restart of the database
    # costs no request more than the ones it interrupted.
    return create_async_engine(
        dsn,
        pool_size=pool_size,
        max_overflow=10,
        pool_recycle=600,
        pool_pre_ping=True,
        hide_parameters=True,
    )
