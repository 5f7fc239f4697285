"""Electronic signatures (21 CFR 11.50, 11.200): the password again, printed name, time, meaning."""

from clinician_app.accounts import PasswordWrong, TooManyFailures
from clinician_app.api.bodies import SignatureOut
from clinician_app.api.caller import Caller, note_refusal
from clinician_app.api.sessions import locked
from services.access.rules import RULES, Action, ResourceKind
from services.problems import ProblemCode, ProblemRaised
from services.store import documents
from services.store.rows import ClinicianRow, Signature

DECISION_MEANING = "I reviewed this proposal and decide as shown"
ENVELOPE_MEANING = "Within these limits the patient may act alone"
TRAINED_MEANING = "; the patient was trained to measure and to step"


async def prove_again(caller: Caller, password: str) -> ClinicianRow:
    """Return the clinician once the password was given again.

    Raises:
        ProblemRaised: wrong password, or too many wrong ones in a row.
    """
    try:
        return await caller.door.passwords.prove_again(
            caller.clinician_id, password, now=caller.now
        )
    except PasswordWrong as err:
        await note_refusal(caller, "signature_refused", "Clinician", caller.clinician_id)
        # 403, not 401: the session is good, this signature is not.
        raise ProblemRaised(
            ProblemCode.NOT_ALLOWED, "The password is wrong. Nothing was signed."
        ) from err
    except TooManyFailures as err:
        raise locked(err) from err


async def prove_second(caller: Caller, username: str, password: str) -> ClinicianRow:
    """Return the other clinician, once their password was given.

    Raises:
        ProblemRaised: wrong, the same clinician, one who may not sign, or too many wrong ones.
    """
    try:
        found = await caller.door.passwords.prove_other(username, password, now=caller.now)
    except PasswordWrong as err:
        await note_refusal(caller, "signature_refused", "Clinician", caller.clinician_id)
        raise ProblemRaised(
            ProblemCode.NOT_ALLOWED,
            "The second clinician's user name or password is wrong. Nothing was signed.",
        ) from err
    except TooManyFailures as err:
        raise locked(err) from err
    if found.clinician_id == caller.clinician_id or not _may_sign(found):
        raise ProblemRaised(
            ProblemCode.NOT_ALLOWED,
            "The second signature must be another clinician's. Nothing was signed.",
        )
    return found


def _may_sign(row: ClinicianRow) -> bool:
    return bool(
        row.roles & {role.value for role in RULES[Action.SIGN, ResourceKind.ENVELOPE].roles}
    )


def signature(
    caller: Caller,
    signer: ClinicianRow,
    record: bytes,
    meaning: str,
    *,
    second: ClinicianRow | None = None,
) -> Signature:
    """Return the signature of `signer` over the exact bytes of a record, a second one beside it."""
    return Signature(
        printed_name=signer.display_name,
        clinician_id=signer.clinician_id,
        signed_at=caller.now,
        meaning=meaning,
        record_sha256=documents.sha256(record),
        second=None if second is None else signature(caller, second, record, meaning),
    )


def signature_out(signed: Signature) -> SignatureOut:
    """Return what is printed wherever the signature is shown."""
    return SignatureOut(
        printed_name=signed.printed_name, signed_at=signed.signed_at, meaning=signed.meaning
    )
