"""Electronic signatures (21 CFR 11.50, 11.200): the password again, printed name, time, meaning."""

from clinician_app.accounts import PasswordWrong, TooManyFailures
from clinician_app.api.bodies import SignatureOut
from clinician_app.api.caller import Caller, note_refusal
from clinician_app.api.sessions import locked
from services.problems import ProblemCode, ProblemRaised
from services.store import documents
from services.store.rows import ClinicianRow, Signature

DECISION_MEANING = "I reviewed this proposal and decide as shown"
ENVELOPE_MEANING = "Within these limits the patient may act alone"


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


def signature(caller: Caller, signer: ClinicianRow, record: bytes, meaning: str) -> Signature:
    """Return the signature of `signer` over the exact bytes of a record."""
    return Signature(
        printed_name=signer.display_name,
        clinician_id=signer.clinician_id,
        signed_at=caller.now,
        meaning=meaning,
        record_sha256=documents.sha256(record),
    )


def signature_out(signed: Signature) -> SignatureOut:
    """Return what is printed wherever the signature is shown."""
    return SignatureOut(
        printed_name=signed.printed_name, signed_at=signed.signed_at, meaning=signed.meaning
    )
