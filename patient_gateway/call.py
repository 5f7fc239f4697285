"""One authenticated request: who asks, may they, once or again, and one event for how it ended.

A handler gives `read` or `write` an operation on a transaction. The policy is asked inside that
transaction, so that consent cannot change between the question and the act.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, assert_never

import orjson
from starlette.requests import Request
from starlette.responses import Response

from patient_gateway.answers import json_answer
from patient_gateway.bodies import UPLOAD_LIMITS, BodyLimits, parse_json, read_body
from patient_gateway.door import Door
from patient_gateway.permissions import Permission
from services.access.policy import (
    DenialReason,
    Denied,
    Purpose,
    Resource,
    Role,
    decide,
)
from services.access.tokens import TokenClaims
from services.audit.actions import Action as Act
from services.clinical.patient import ConsentPurpose
from services.problems import ProblemCode, ProblemRaised
from services.store import consents, credentials, idempotency
from services.store.entries import Begun, InFlight, OtherBody, Replayed
from services.store.errors import KeyDestroyed, KeyUnknown, NotInRecord, NotOpen, is_outage
from services.store.roles import Acting, ActingKind
from services.store.transaction import Transaction

RETRY_AFTER_S = "2"
_KEY_LENGTHS = range(8, 129)
_CARERS = frozenset({Role.CLINICIAN, Role.LEAD})
_STAFF = _CARERS | {Role.REGISTRAR}
# Whatever the patient agreed to: asked before the record is open, to turn away who never may.
_ANY_CONSENT = frozenset(ConsentPurpose)

InputT = TypeVar("InputT")


@dataclass(frozen=True, slots=True)
class Done:
    """What an operation came to. `noted`: a function of the store logged the act already."""

    content: object
    status: int = 200
    noted: bool = True
    details: tuple[tuple[str, str | int | bool], ...] = ()


Operation = Callable[[Transaction], Awaitable[Done]]


async def as_json(body: bytes) -> object:
    """Return the body's JSON value. Raises: ProblemRaised."""
    return parse_json(body)


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose token is genuine and whose route has a permission."""

    door: Door
    request: Request
    claims: TokenClaims
    permission: Permission
    patient_id: str | None
    now: datetime
    language: str
    request_id: str

    @property
    def own_patient_id(self) -> str:
        """The patient of this call. Raises: ProblemRaised when there is none."""
        if self.patient_id is None:
            raise ProblemRaised(ProblemCode.NOT_ALLOWED)
        return self.patient_id

    def acting(self) -> Acting:
        """On whose behalf transactions run."""
        return Acting(self._kind, self.claims.actor_id, self.patient_id, self.request_id)

    async def read(self, operation: Operation) -> Response:
        """Carry out a read and note it."""
        async with self._ending_noted():
            done = await self._authorised(self._noting(operation))
        return json_answer(done.content, status=done.status)

    async def write(
        self,
        prepare: Callable[[bytes], Awaitable[InputT]],
        operation: Callable[[Transaction, InputT], Awaitable[Done]],
        *,
        limits: BodyLimits = UPLOAD_LIMITS,
    ) -> Response:
        """Carry out a write once, however often it is sent.

        `prepare` reads the body before the record is opened. The answer is kept in the write's
        own transaction and given again to the same key.
        """
        async with self._ending_noted():
            self._require_role()
            key = self.idempotency_key()
            body = await read_body(self.request, limits)
            given = await prepare(body)
            done, replayed = await self._once(key, body, lambda tx: operation(tx, given))
        headers = {"Idempotency-Replayed": "true"} if replayed else {}
        return json_answer(done.content, status=done.status, headers=headers)

    def idempotency_key(self) -> str:
        """Return the request's key. Raises: ProblemRaised when it has none that will do."""
        key = self.request.headers.get("idempotency-key", "")
        if len(key) not in _KEY_LENGTHS or not key.isascii() or not key.isprintable():
            raise ProblemRaised(ProblemCode.IDEMPOTENCY_KEY_MISSING)
        return key

    @property
    def _kind(self) -> ActingKind:
        if self.claims.roles & _STAFF:
            return "clinician"
        return "device" if Role.DEVICE in self.claims.roles else "patient"

    async def _once(self, key: str, body: bytes, operation: Operation) -> tuple[Done, bool]:
        """Return what the operation came to, and whether that was known from before."""
        scope = self.claims.device_id or self.claims.actor_id
        route = f"{self.request.method} {self.request.url.path}\n".encode()
        digest = hashlib.sha256(route + body).hexdigest()
        replayed = False

        async def once(tx: Transaction) -> Done:
            nonlocal replayed
            if self.patient_id is None:
                await tx.bind_system(now=self.now)
            begun = await idempotency.begin(tx, scope, key, request_sha256=digest, now=self.now)
            match begun:
                case Begun():
                    done = await self._noting(operation)(tx)
                    kept = orjson.dumps(done.content)
                    await idempotency.finish(tx, scope, key, status_code=done.status, body=kept)
                    return done
                case Replayed():
                    replayed = True
                    await self._note(tx, Act.RECORD_READ, "success", (("replayed", True),))
                    return Done(orjson.loads(begun.body), begun.status_code)
                case InFlight():
                    headers = {"Retry-After": RETRY_AFTER_S}
                    raise ProblemRaised(ProblemCode.IDEMPOTENCY_KEY_IN_FLIGHT, headers=headers)
                case OtherBody():
                    raise ProblemRaised(ProblemCode.IDEMPOTENCY_KEY_REUSED)
                case _:
                    assert_never(begun)

        return await self._authorised(once), replayed

    def _noting(self, operation: Operation) -> Operation:
        async def noted(tx: Transaction) -> Done:
            done = await operation(tx)
            if not done.noted:
                await self._note(tx, self.permission.act, "success", done.details)
            return done

        return noted

    async def _authorised(self, operation: Operation) -> Done:
        async with self.door.store.transaction(self.acting()) as tx:
            await self._require_allowed(tx)
            return await operation(tx)

    async def _require_allowed(self, tx: Transaction) -> None:
        # A clinician's sign-out ends the session: every token of it, at this door as well.
        ended = [
            self.claims.token_id,
            *([self.claims.session_id] if self.claims.session_id else []),
        ]
        for name in ended:
            if await credentials.is_revoked(tx, name):
                raise _denial(DenialReason.EXPIRED)
        if await self._lost_device(tx) or await self._closed_account(tx):
            raise _denial(DenialReason.EXPIRED)
        consent = frozenset[ConsentPurpose]()
        if self.patient_id is not None:
            consent = await consents.current(tx, self.patient_id)
        self._decide(consent)

    async def _closed_account(self, tx: Transaction) -> bool:
        # The clinician's door issues tokens; an account closed since then is out here as well.
        return self._kind == "clinician" and await credentials.is_closed(tx, self.claims.actor_id)

    async def _lost_device(self, tx: Transaction) -> bool:
        if self.claims.device_id is None:
            return False
        device = await credentials.device(tx, self.claims.device_id)
        return device is None or device.revoked_at is not None

    def _require_role(self) -> None:
        """Turn away before reading a large body who could never be allowed."""
        self._decide(_ANY_CONSENT)

    def _decide(self, consent: frozenset[ConsentPurpose]) -> None:
        decision = decide(
            self.claims.subject(),
            self.permission.action,
            Resource(self.permission.resource, self.patient_id),
            self._purpose,
            consent,
            self.now,
        )
        if isinstance(decision, Denied):
            raise _denial(decision.reason)

    @property
    def _purpose(self) -> Purpose:
        """A clinician who brings a patient in does it in care; a registrar's is office work."""
        if self.permission.purpose is Purpose.SELF or not self.claims.roles & _CARERS:
            return self.permission.purpose
        return Purpose.CARE

    @asynccontextmanager
    async def _ending_noted(self) -> AsyncIterator[None]:
        """Note a denial, a refusal or a failure apart: the request's own transaction is gone."""
        try:
            yield
        except ProblemRaised as err:
            if err.problem.code is not ProblemCode.IDEMPOTENCY_KEY_IN_FLIGHT:
                await self._note_apart("refused", err.problem.code)
            raise
        except (NotInRecord, KeyUnknown, KeyDestroyed) as err:
            await self._note_apart("refused", ProblemCode.NOT_FOUND)
            raise ProblemRaised(ProblemCode.NOT_FOUND) from err
        except NotOpen as err:
            await self._note_apart("refused", ProblemCode.NO_LONGER_OPEN)
            raise ProblemRaised(ProblemCode.NO_LONGER_OPEN) from err
        except Exception as err:
            if not is_outage(err):
                await self._note_apart("failed", ProblemCode.INTERNAL_ERROR)
                raise
            # With the record away there is nowhere to note it; the metrics count it.
            raise unavailable() from err

    async def _note_apart(self, outcome: str, code: ProblemCode) -> None:
        act = Act.ACCESS_DENIED if code in _DENIALS else self.permission.act
        acting = Acting(self._kind, self.claims.actor_id, self.claims.patient_id, self.request_id)
        try:
            async with self.door.store.transaction(acting) as tx:
                await self._note(tx, act, outcome, (("code", code.value),))
        except (NotInRecord, KeyUnknown, KeyDestroyed):
            # The patient of this token was erased: note it without a patient.
            async with self.door.store.transaction(Acting("system", "gateway", None)) as tx:
                await self._note(tx, act, outcome, (("code", code.value),))
        except Exception as err:
            if not is_outage(err):
                raise

    async def _note(
        self,
        tx: Transaction,
        act: Act,
        outcome: str,
        details: tuple[tuple[str, str | int | bool], ...],
    ) -> None:
        await tx.event(
            act,
            now=self.now,
            subject_type=self.permission.resource.value.title().replace("_", ""),
            subject_id=self.patient_id or self.request_id,
            outcome=outcome,
            details=details,
        )


_DENIALS = frozenset({ProblemCode.NOT_ALLOWED, ProblemCode.NO_CONSENT, ProblemCode.NOT_SIGNED_IN})
_DENIAL_CODES = {
    DenialReason.NO_CONSENT: ProblemCode.NO_CONSENT,
    DenialReason.EXPIRED: ProblemCode.NOT_SIGNED_IN,
}


def unavailable() -> ProblemRaised:
    """Return the problem of an outage: nothing was stored, the same request may come again."""
    return ProblemRaised(
        ProblemCode.TEMPORARILY_UNAVAILABLE, headers={"Retry-After": RETRY_AFTER_S}
    )


def _denial(reason: DenialReason) -> ProblemRaised:
    code = _DENIAL_CODES.get(reason, ProblemCode.NOT_ALLOWED)
    return ProblemRaised(code, extra=(("reason", reason.value),))
