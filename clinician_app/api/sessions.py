"""Sign in, stay signed in, sign out."""

from fastapi import APIRouter, Request

from clinician_app.accounts import PasswordWrong, TooManyFailures
from clinician_app.api.bodies import SessionOut, SignInBody
from clinician_app.api.caller import Asking, Door
from clinician_app.api.tokens import LONGEST_SESSION, SessionOver, session_of
from services import clock
from services.audit.actions import Action
from services.problems import ProblemCode, ProblemRaised
from services.store import credentials

router = APIRouter(prefix="/v1/session", tags=["session"])


@router.post("", operation_id="signIn")
async def sign_in(body: SignInBody, request: Request) -> SessionOut:
    """Open a session. Five failures in a row lock the name for a while."""
    door: Door = request.app.state.door
    now = clock.now()
    try:
        clinician = await door.passwords.sign_in(body.username, body.password, now=now)
    except PasswordWrong as err:
        raise ProblemRaised(ProblemCode.SIGN_IN_REFUSED) from err
    except TooManyFailures as err:
        raise locked(err) from err
    return door.tokens.open(clinician, now=now)


@router.post("/refresh", operation_id="renewSession")
async def renew(caller: Asking) -> SessionOut:
    """Return the next token of this session; only a token that is still good renews."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        clinician = await credentials.clinician(tx, caller.clinician_id)
    if not clinician.active:
        raise ProblemRaised(ProblemCode.NOT_SIGNED_IN)
    try:
        return caller.door.tokens.renew(caller.claims, clinician, now=caller.now)
    except SessionOver as err:
        raise ProblemRaised(ProblemCode.NOT_SIGNED_IN) from err


@router.delete("", status_code=204, operation_id="signOut")
async def sign_out(caller: Asking) -> None:
    """End this session: every token of it is refused from now on."""
    async with caller.door.store.transaction(caller.acting()) as tx:
        await credentials.revoke_token(
            tx,
            session_of(caller.claims),
            expires_at=caller.now + LONGEST_SESSION,
            now=caller.now,
        )
        await tx.event(
            Action.SIGNED_OUT,
            now=caller.now,
            subject_type="Clinician",
            subject_id=caller.clinician_id,
        )


def locked(failures: TooManyFailures) -> ProblemRaised:
    """Return the problem that says how long to wait."""
    return ProblemRaised(
        ProblemCode.TOO_MANY_REQUESTS,
        "Too many failed passwords in a row. Wait, then try again.",
        headers={"Retry-After": str(failures.seconds)},
    )
