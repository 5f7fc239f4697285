"""One transaction: the session, whom it acts for, its vault, its log events and its messages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.audit.actions import Action
from services.audit.event import Detail
from services.outbox_messages import OutboxMessage
from services.store import event_log, outbox
from services.store.errors import NoKey, NotInRecord
from services.store.event_log import NewEvent
from services.store.roles import Acting
from services.store.tables.people import PATIENTS
from services.store.vault import SYSTEM, Vault

if TYPE_CHECKING:
    from services.store.store import Store

_SETTINGS = text(
    "SELECT set_config('clinaiops.patient_ids', :patients, true),"
    " set_config('clinaiops.subject_ids', :subjects, true),"
    " set_config('clinaiops.actor_kind', :kind, true),"
    " set_config('clinaiops.actor_id', :actor, true)"
)


class Transaction:
    """Operations of the store take this first. Events and messages are written at its end."""

    def __init__(self, store: "Store", session: AsyncSession, acting: Acting) -> None:
        self.store = store
        self.session = session
        self.acting = acting
        self.vault = Vault(acting.patient_id)
        self._subjects: dict[str, str] = {}
        self._events: list[NewEvent] = []
        self._messages: list[tuple[OutboxMessage, datetime]] = []

    @property
    def patient_id(self) -> str:
        """The patient that this transaction is bound to. Raises: NotInRecord when to none."""
        if self.acting.patient_id is None:
            raise NotInRecord("this transaction is bound to no patient")
        return self.acting.patient_id

    def subject_id(self, patient_id: str | None = None) -> str:
        """Return the subject id of a bound patient. Raises: NotInRecord."""
        found = self._subjects.get(patient_id or self.patient_id)
        if found is None:
            raise NotInRecord("this transaction is not bound to that patient")
        return found

    async def event(
        self,
        action: Action,
        *,
        now: datetime,
        subject_type: str,
        subject_id: str,
        payload: Mapping[str, object] | None = None,
        outcome: str = "success",
        details: Sequence[Detail] = (),
        patient_id: str | None = None,
    ) -> str:
        """Note one act for the audit log, in this same transaction; return the event's id.

        `payload` is sealed beside the leaf, which holds a salted commitment to it only.
        """
        holder = patient_id or self.acting.patient_id
        if holder is None and payload is not None:
            await self.bind_system(now=now)
        event = NewEvent.make(
            self.acting,
            action,
            now=now,
            subject_type=subject_type,
            subject_id=subject_id,
            payload=payload,
            outcome=outcome,
            details=tuple(sorted(details)),
            patient_id=holder,
        )
        self._events.append(event)
        return event.event_id

    async def send(self, message: OutboxMessage, *, now: datetime) -> None:
        """Give the loops a message, delivered if and only if this transaction commits."""
        self._messages.append((message, now))

    async def bind(self, patient_ids: Sequence[str]) -> None:
        """Bind to these patients as well: their keys and subjects, in two queries at most.

        Raises:
            NotInRecord: one of them is not there, or not visible to the one who acts.
        """
        new = [patient_id for patient_id in patient_ids if patient_id not in self._subjects]
        if not new:
            return
        try:
            self.vault.admit(await self.store.keys.fetch(new))
        except NoKey as err:
            raise NotInRecord(str(err)) from err
        known = {p: s for p in new if (s := self.store.known_subject(p)) is not None}
        self._subjects.update(known)
        unknown = [patient_id for patient_id in new if patient_id not in known]
        await self.apply_settings(also=unknown)
        if unknown:
            await self._read_subjects(unknown)
            await self.apply_settings()

    async def bind_system(self, *, now: datetime) -> None:
        """Take in the key of what belongs to no patient; made at its first use."""
        if not self.vault.holds(SYSTEM):
            self.vault.admit({SYSTEM: await self.store.system_key(now=now)})

    def adopt(self, patient_id: str, subject_id: str, data_key: bytes) -> None:
        """Bind to a patient who is being enrolled; `apply_settings` makes it hold."""
        self.vault.admit({patient_id: data_key}, bound=self.acting.patient_id or patient_id)
        self._subjects[patient_id] = subject_id

    async def apply_settings(self, *, also: Sequence[str] = ()) -> None:
        """Tell PostgreSQL whom this transaction is bound to, until it ends."""
        await self.session.execute(
            _SETTINGS,
            {
                "patients": ",".join([*self._subjects, *also]),
                "subjects": ",".join(self._subjects.values()),
                "kind": self.acting.kind,
                "actor": self.acting.actor_id,
            },
        )

    async def flush(self) -> None:
        """Write the noted events and messages: one statement each."""
        if self._events:
            await event_log.append(self, self._events)
        if self._messages:
            await outbox.append(self, self._messages)
        self._events, self._messages = [], []

    async def _read_subjects(self, patient_ids: Sequence[str]) -> None:
        statement = select(PATIENTS.c.patient_id, PATIENTS.c.subject_sealed).where(
            PATIENTS.c.patient_id.in_(patient_ids)
        )
        for patient_id, sealed in (await self.session.execute(statement)).all():
            subject = self.vault.unseal(
                "patients", "subject_sealed", patient_id, sealed, patient_id
            ).decode()
            self._subjects[patient_id] = subject
            self.store.remember_subject(patient_id, subject)
        for patient_id in patient_ids:
            if patient_id not in self._subjects:
                raise NotInRecord(f"no patient {patient_id}")
