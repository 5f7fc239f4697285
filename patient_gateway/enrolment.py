"""Enrolling a device with a code, and changing a refresh token for a new pair."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patient_gateway.answers import json_answer
from patient_gateway.authenticate import door_of, take_from_address
from patient_gateway.bodies import UPLOAD_LIMITS, parse_json, read_body
from patient_gateway.call import unavailable
from patient_gateway.door import Door
from patient_gateway.items import read_one
from patient_gateway.openapi import body_of
from patient_gateway.schemas import EnrolmentRequest, RefreshRequest
from services.access.codes import enrolment_code_digest, new_refresh_token, refresh_token_digest
from services.access.policy import Role, scopes_of
from services.access.tokens import (
    AUDIENCE_GATEWAY,
    ISSUER_GATEWAY,
    LIFETIME,
    TokenClaims,
    issue,
)
from services.audit.actions import Action as Act
from services.ids import new_id
from services.problems import ProblemCode, ProblemRaised
from services.store import credentials
from services.store.errors import KeyDestroyed, KeyUnknown, NotInRecord, is_outage
from services.store.roles import Acting
from services.store.rows import DeviceRow, RefreshRow
from services.store.transaction import Transaction

router = APIRouter(tags=["enrolment"])

REFRESH_LIFETIME = timedelta(days=60)
REFRESH_GRACE = timedelta(seconds=60)
"""Two requests of one phone may refresh at once; later than this, the token was copied."""


@dataclass(frozen=True, slots=True)
class _Holder:
    """Whom tokens are for."""

    patient_id: str
    device_id: str
    upload_only: bool


@router.post(
    "/v1/enrolments", operation_id="enrol", openapi_extra=body_of(EnrolmentRequest, keyed=False)
)
async def enrol(request: Request) -> Response:
    """Enrol a device. The code works once."""
    door = door_of(request)
    take_from_address(request, door)
    asked = read_one(parse_json(await read_body(request, UPLOAD_LIMITS)), EnrolmentRequest)
    digest = enrolment_code_digest(asked.enrolment_code)
    now = door.now()
    try:
        async with door.store.transaction(_nobody(request)) as tx:
            patient_id = await credentials.use_code(tx, digest, now=now)
            if patient_id is None:
                await _note_failure(tx, request, Act.SIGN_IN_FAILED, "code_refused", now=now)
            else:
                await tx.bind([patient_id])
                return json_answer(await _add_device(tx, door, patient_id, asked, now), status=201)
    except Exception as err:
        raise _mended(err) from err
    raise ProblemRaised(ProblemCode.CODE_REFUSED)


@router.post(
    "/v1/tokens", operation_id="refreshTokens", openapi_extra=body_of(RefreshRequest, keyed=False)
)
async def refresh(request: Request) -> Response:
    """Change a refresh token for a new pair. A token that is used again later ends its family."""
    door = door_of(request)
    take_from_address(request, door)
    asked = read_one(parse_json(await read_body(request, UPLOAD_LIMITS)), RefreshRequest)
    now = door.now()
    try:
        async with door.store.transaction(_nobody(request)) as tx:
            old = await credentials.refresh(tx, refresh_token_digest(asked.refresh_token))
            holder = await _holder_of(tx, request, old, now)
            if old is not None and holder is not None:
                return json_answer(await _rotate(tx, door, old, holder, now))
    except Exception as err:
        raise _mended(err) from err
    raise ProblemRaised(ProblemCode.REFRESH_REFUSED)


async def _add_device(
    tx: Transaction, door: Door, patient_id: str, asked: EnrolmentRequest, now: datetime
) -> dict[str, object]:
    device = DeviceRow(
        device_id=new_id(),
        patient_id=patient_id,
        model=asked.device.model,
        firmware=asked.device.firmware,
        validated=asked.device.validated,
        cuff_fits=asked.device.cuff_fits,
        enrolled_at=now,
        revoked_at=None,
    )
    await credentials.add_device(tx, device, now=now)
    holder = _Holder(patient_id, device.device_id, asked.upload_only)
    return await _token_pair(tx, door, holder, family_id=_family(asked.upload_only), now=now)


async def _rotate(
    tx: Transaction, door: Door, old: RefreshRow, holder: _Holder, now: datetime
) -> dict[str, object]:
    await credentials.spend_refresh(tx, old.token_hash, now=now)
    await _note(tx, Act.SIGNED_IN, holder.device_id, now=now)
    return await _token_pair(tx, door, holder, family_id=old.family_id, now=now)


async def _holder_of(
    tx: Transaction, request: Request, old: RefreshRow | None, now: datetime
) -> _Holder | None:
    """Return for whom a refresh token may be changed; note why not."""
    if old is None or old.patient_id is None:
        await _note_failure(tx, request, Act.SIGN_IN_FAILED, "refresh_unknown", now=now)
        return None
    await tx.bind([old.patient_id])
    device = await credentials.device(tx, old.holder_id)
    refusal = _refusal(old, device, now)
    if refusal is None:
        return _Holder(old.patient_id, old.holder_id, old.family_id.startswith(_UPLOAD_ONLY))
    if refusal == "refresh_reused":
        # Whoever copied it, or whoever it was copied from, must enrol again: both lose it.
        await credentials.revoke_family(tx, old.family_id, now=now)
    await _note_failure(tx, request, Act.SIGN_IN_FAILED, refusal, now=now)
    return None


def _refusal(old: RefreshRow, device: DeviceRow | None, now: datetime) -> str | None:
    if old.revoked_at is not None or device is None or device.revoked_at is not None:
        return "refresh_revoked"
    if now >= old.expires_at:
        return "refresh_expired"
    if old.used_at is not None and now - old.used_at > REFRESH_GRACE:
        return "refresh_reused"
    return None


async def _token_pair(
    tx: Transaction, door: Door, holder: _Holder, *, family_id: str, now: datetime
) -> dict[str, object]:
    role = Role.DEVICE if holder.upload_only else Role.PATIENT
    roles = frozenset({role})
    claims = TokenClaims(
        issuer=ISSUER_GATEWAY,
        audience=(AUDIENCE_GATEWAY,),
        actor_id=holder.device_id if holder.upload_only else holder.patient_id,
        roles=roles,
        scopes=scopes_of(roles),
        token_id=new_id(),
        issued_at=now,
        expires_at=now + LIFETIME,
        patient_id=holder.patient_id,
        device_id=holder.device_id,
        session_id=family_id,
    )
    refresh_token = new_refresh_token()
    await credentials.add_refresh(
        tx,
        RefreshRow(
            token_hash=refresh_token_digest(refresh_token),
            family_id=family_id,
            holder_id=holder.device_id,
            patient_id=holder.patient_id,
            issued_at=now,
            expires_at=now + REFRESH_LIFETIME,
            used_at=None,
            revoked_at=None,
        ),
    )
    return {
        "token_type": "Bearer",
        "access_token": issue(claims, door.signing_key_pem),
        "expires_in": int(LIFETIME.total_seconds()),
        "refresh_token": refresh_token,
        "scope": " ".join(sorted(claims.scopes)),
        "patient_id": holder.patient_id,
        "device_id": holder.device_id,
    }


_UPLOAD_ONLY = "upload:"


def _family(upload_only: bool) -> str:
    """A family never gains rights: what it may do is in its name from the beginning."""
    return f"{_UPLOAD_ONLY if upload_only else 'full:'}{new_id()}"


def _nobody(request: Request) -> Acting:
    return Acting("system", "enrolment", None, request.state.request_id)


async def _note(tx: Transaction, act: Act, device_id: str, *, now: datetime) -> None:
    await tx.event(act, now=now, subject_type="Device", subject_id=device_id)


async def _note_failure(
    tx: Transaction, request: Request, act: Act, code: str, *, now: datetime
) -> None:
    await tx.event(
        act,
        now=now,
        subject_type="Device",
        subject_id=request.state.request_id,
        outcome="refused",
        details=(("code", code),),
    )


def _mended(err: Exception) -> Exception:
    """Return what the phone is told of an exception: an erased patient, an outage, a defect."""
    if isinstance(err, NotInRecord | KeyUnknown | KeyDestroyed):
        return ProblemRaised(ProblemCode.CODE_REFUSED)
    return unavailable() if is_outage(err) else err
