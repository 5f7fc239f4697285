"""Envelopes on the wire."""

from pydantic import Field

from clinician_app.api.bodies import PatientHeader, SignatureOut
from clinician_app.api.wire import In, Instant, Out, Password, ShortText, Text


class BoundsIn(In):
    """The rungs of one drug that the patient may move between, daily dose in micrograms."""

    drug: ShortText
    rungs_ug: list[int] = Field(min_length=1, max_length=12)


class TargetIn(In):
    """Home pressure goal: strictly below both."""

    systolic_below: int = Field(ge=110, le=160)
    diastolic_below: int = Field(ge=65, le=100)


class EnvelopeTerms(In):
    """What an envelope says; limits tighter than the defaults are welcome, looser are refused."""

    stage: ShortText
    bounds: list[BoundsIn] = Field(max_length=8)
    target: TargetIn
    max_step_rungs: int = Field(ge=1, le=1)
    min_interval_days: int = Field(ge=28, le=180)
    steps_allowed: int = Field(ge=0, le=3)
    potassium_below_thousandths: int = Field(ge=4000, le=5000)
    egfr_at_least_thousandths: int = Field(ge=30_000, le=120_000)
    lab_max_age_days: int = Field(ge=14, le=365)
    confidence_floor_percent: int = Field(ge=50, le=99)
    stop_conditions: list[ShortText] = Field(max_length=10)
    allow_age_80_and_over: bool
    expires_at: Instant = Field(strict=False)


class SecondSigner(In):
    """Another clinician who signs beside the first, at the same desk."""

    username: ShortText
    password: Password


class SignEnvelopeBody(In):
    """`signed_version`: the version that the editor compared with; 0 when there was none.

    `training_finished`: the signer's word that the patient was trained to measure and to step.
    `second`: needed for a setting looser than the default and for a stage not earned yet.
    """

    terms: EnvelopeTerms
    signed_version: int = Field(ge=0)
    password: Password
    training_finished: bool = False
    second: SecondSigner | None = None


class RevokeEnvelopeBody(In):
    reason: Text
    password: Password


class RungChoices(Out):
    """One drug with the rungs that a patient may be given; `current_ug` None: not taken now."""

    drug: str
    drug_class: str
    rungs_ug: list[int]
    current_ug: int | None


class TrackRecordOut(Out):
    """What has been seen since a setback last lowered the plan; what speaks against it now.

    `stage`: the highest that one clinician alone may sign, of a patient who was trained.
    """

    stage: str
    weeks_observed: int
    proposals_reviewed: int
    proposals_agreed: int
    steps_reviewed: int
    setbacks: list[str]


class EnvelopeOut(Out):
    """The newest version and what the editor offers. `terms` None: none was ever signed.

    `terms` have the stage in effect; `lowered_by` names what lowered it since the signature.
    """

    as_of: Instant
    header: PatientHeader
    terms: EnvelopeTerms | None
    version: int
    signature: SignatureOut | None
    valid: bool
    revoked: bool
    lowered_by: list[str]
    earned: TrackRecordOut
    choices: list[RungChoices]
    suggested: EnvelopeTerms


class EnvelopeVersionOut(Out):
    """One version with what it changed against the one before."""

    version: int
    signature: SignatureOut
    second: SignatureOut | None
    revoked_at: Instant | None
    changes: list[tuple[str, str, str]]


class EnvelopeHistory(Out):
    versions: list[EnvelopeVersionOut]


class EnvelopeSigned(Out):
    version: int
    signature: SignatureOut
    second: SignatureOut | None
