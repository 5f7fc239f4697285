"""From a request to a `Call`: the route's permission, a genuine token, a rate that is bearable."""

import re
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from patient_gateway.call import Call
from patient_gateway.door import Door
from patient_gateway.observe import route_template
from patient_gateway.permissions import PERMISSIONS, Permission
from services.access.tokens import TokenClaims, TokenRefused
from services.audit.actions import Action as Act
from services.problems import ProblemCode, ProblemRaised, language_of
from services.store.errors import is_outage
from services.store.roles import Acting

# Every id here is one; anything else cannot exist and may not even be text that a database takes.
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


def door_of(request: Request) -> Door:
    """Return the door of this process."""
    door: Door = request.app.state.door
    return door


async def authenticate(request: Request) -> Call:
    """Return the authenticated call.

    Raises:
        ProblemRaised: no permission for this route, no genuine token, or too many requests.
    """
    door = door_of(request)
    permission = PERMISSIONS.get((request.method, route_template(request.scope)))
    if permission is None:
        raise ProblemRaised(ProblemCode.NOT_ALLOWED)
    claims = await _claims(request, door, permission)
    if not all(_ID.fullmatch(value) for value in request.path_params.values()):
        await _note_refusal(request, door, permission, "not_found")
        raise ProblemRaised(ProblemCode.NOT_FOUND)
    now = door.now()
    wait_s = door.devices.take(claims.device_id or claims.actor_id, now=now)
    if wait_s:
        raise too_many(wait_s)
    return Call(
        door=door,
        request=request,
        claims=claims,
        permission=permission,
        # A bound token means its own patient; only others may name one in the path.
        patient_id=claims.patient_id or request.path_params.get("patient_id"),
        now=now,
        language=language_of(request.headers.get("accept-language")),
        request_id=request.state.request_id,
    )


Authenticated = Annotated[Call, Depends(authenticate)]


def take_from_address(request: Request, door: Door) -> None:
    """Count a request that no token vouches for. Raises: ProblemRaised when there are too many."""
    address = request.client.host if request.client else "unknown"
    wait_s = door.addresses.take(address, now=door.now())
    if wait_s:
        raise too_many(wait_s)


def too_many(wait_s: int) -> ProblemRaised:
    """Return the problem that asks to wait."""
    return ProblemRaised(ProblemCode.TOO_MANY_REQUESTS, headers={"Retry-After": str(wait_s)})


async def _claims(request: Request, door: Door, permission: Permission) -> TokenClaims:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        await _note_refusal(request, door, permission, "token_missing")
        raise ProblemRaised(ProblemCode.NOT_SIGNED_IN, headers={"WWW-Authenticate": "Bearer"})
    try:
        return door.verifier.verify(token.strip(), now=door.now())
    except TokenRefused as err:
        await _note_refusal(request, door, permission, err.code)
        raise ProblemRaised(ProblemCode.NOT_SIGNED_IN, headers=_CHALLENGE) from err


async def _note_refusal(request: Request, door: Door, permission: Permission, code: str) -> None:
    """Limited by address first, so that a stranger cannot fill the log."""
    take_from_address(request, door)
    acting = Acting("system", "anonymous", None, request.state.request_id)
    try:
        async with door.store.transaction(acting) as tx:
            await tx.event(
                Act.ACCESS_DENIED,
                now=door.now(),
                subject_type=permission.resource.value.title().replace("_", ""),
                subject_id=request.state.request_id,
                outcome="refused",
                details=(("code", code),),
            )
    except Exception as err:
        if not is_outage(err):
            raise
