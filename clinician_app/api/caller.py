"""Who asks, and whether they may: one dependency before every route, and no without a row."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from clinician_app.accounts import Passwords
from clinician_app.api.permissions import PERMISSIONS, PUBLIC, SIGNED_IN, Permission
from clinician_app.api.tokens import Tokens, session_of
from services import clock
from services.access.limits import ADDRESS_RATE, RateLimiter
from services.access.policy import Denied, Resource, decide
from services.access.tokens import TokenClaims, TokenRefused
from services.audit.actions import Action as Act
from services.ids import new_id
from services.problems import ProblemCode, ProblemRaised
from services.settings import Settings
from services.store import Acting, Store, credentials
from workflows.client import LoopClient


@dataclass(frozen=True, slots=True)
class Door:
    """What the routes work with: made once by `create_app`."""

    settings: Settings
    store: Store
    loops: LoopClient
    tokens: Tokens
    passwords: Passwords
    strangers: RateLimiter = field(default_factory=lambda: RateLimiter(ADDRESS_RATE))
    """Counts refused tokens by address."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authorised clinician and the moment of the request, the same for all that it does."""

    door: Door
    claims: TokenClaims
    request_id: str
    now: datetime

    @property
    def clinician_id(self) -> str:
        """Who asks."""
        return self.claims.actor_id

    def acting(self, patient_id: str | None = None) -> Acting:
        """Return on whose behalf a transaction runs."""
        return Acting("clinician", self.clinician_id, patient_id, self.request_id)


async def guard(request: Request) -> None:
    """Let an authorised request through; everything else is refused and noted.

    Raises:
        ProblemRaised: no genuine token, a session that ended, an account that is no longer
            active, or no right to this.
    """
    route = (request.method, request.scope["route"].path)
    if route in PUBLIC:
        return
    door: Door = request.app.state.door
    now = clock.now()
    claims = await _claims(door, request, now)
    caller = Caller(door, claims, request.state.request_id, now)
    await _refuse_ended(caller)
    request.state.caller = caller
    if route not in SIGNED_IN:
        await _refuse_without_right(caller, PERMISSIONS.get(route), _patient_in(request))


def caller_of(request: Request) -> Caller:
    """Return whom `guard` let through."""
    caller = request.state.caller
    assert isinstance(caller, Caller), "guard runs before every route"
    return caller


Asking = Annotated[Caller, Depends(caller_of)]


async def note_refusal(caller: Caller, reason: str, subject_type: str, subject_id: str) -> None:
    """Log that something was asked for and refused."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        await tx.event(
            Act.ACCESS_DENIED,
            now=caller.now,
            subject_type=subject_type,
            subject_id=subject_id,
            outcome="refused",
            details=(("reason", reason),),
        )


async def _claims(door: Door, request: Request, now: datetime) -> TokenClaims:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer" or not token:
            raise TokenRefused
        return door.tokens.verify(token, now=now)
    except TokenRefused as err:
        reason = err.code if token else "token_missing"
        await _note_stranger(door, request, reason, now=now)
        headers = {"WWW-Authenticate": "Bearer"}
        raise ProblemRaised(ProblemCode.NOT_SIGNED_IN, headers=headers) from err


async def _note_stranger(door: Door, request: Request, reason: str, *, now: datetime) -> None:
    """Log a refused token. Limited by address first, so that a stranger cannot fill the log."""
    address = request.client.host if request.client else "unknown"
    wait_s = door.strangers.take(address, now=now)
    if wait_s:
        headers = {"Retry-After": str(wait_s)}
        raise ProblemRaised(ProblemCode.TOO_MANY_REQUESTS, headers=headers)
    permission = PERMISSIONS.get((request.method, request.scope["route"].path))
    request_id = request.state.request_id
    async with door.store.transaction(Acting("system", "anonymous", None, request_id)) as tx:
        await tx.event(
            Act.ACCESS_DENIED,
            now=now,
            subject_type="Route" if permission is None else permission.resource.value.capitalize(),
            subject_id=request_id,
            outcome="refused",
            details=(("reason", reason),),
        )


async def _refuse_ended(caller: Caller) -> None:
    """Refuse a signed-out session and an account that was closed since the token was issued."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        is_ended = await credentials.is_revoked(tx, session_of(caller.claims))
        is_active = await credentials.is_active(tx, caller.clinician_id)
    if is_ended or not is_active:
        reason = "session_ended" if is_ended else "account_closed"
        await note_refusal(caller, reason, "Clinician", caller.clinician_id)
        raise ProblemRaised(ProblemCode.NOT_SIGNED_IN)


async def _refuse_without_right(
    caller: Caller, permission: Permission | None, patient_id: str | None
) -> None:
    if permission is None:
        await note_refusal(caller, "no_policy", "Route", new_id())
        raise ProblemRaised(ProblemCode.NOT_ALLOWED)
    answer = decide(
        caller.claims.subject(),
        permission.action,
        Resource(permission.resource, patient_id),
        permission.purpose,
        # No rule for a clinician depends on consent: the brake and the alarm need none.
        frozenset(),
        caller.now,
    )
    if isinstance(answer, Denied):
        kind = permission.resource.value.capitalize()
        await note_refusal(caller, answer.reason.value, kind, patient_id or new_id())
        raise ProblemRaised(ProblemCode.NOT_ALLOWED)


def _patient_in(request: Request) -> str | None:
    """The patient that the path names, once it has the form of an id."""
    found = request.path_params.get("patient_id")
    return found if isinstance(found, str) and len(found) == 36 else None
