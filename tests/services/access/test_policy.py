"""Every action × resource × role × {own, other} is enumerated, against a matrix kept by hand."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from services.access.policy import (
    Action,
    Allowed,
    DenialReason,
    Denied,
    Purpose,
    Resource,
    ResourceKind,
    Role,
    Subject,
    decide,
    scopes_of,
)
from services.clinical.patient import ConsentPurpose

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWN, OTHER = "patient-own", "patient-other"
ALL_CONSENT = frozenset(ConsentPurpose)
PURPOSE_OF = {
    Role.PATIENT: Purpose.SELF,
    Role.DEVICE: Purpose.SELF,
    Role.CLINICIAN: Purpose.CARE,
    Role.LEAD: Purpose.CARE,
    Role.REGISTRAR: Purpose.ADMINISTRATION,
    Role.AUDITOR: Purpose.AUDIT,
}

# Written out by hand, apart from the table it checks: P patient, D device, C clinician, L lead,
# R registrar, A auditor.
EXPECTED = {
    "create patient": "CLR",
    "create record": "CLR",
    "read patient": "P",
    "read consent": "PCL",
    "update consent": "P",
    "create reading": "PD",
    "create weight": "PD",
    "create window": "PD",
    "create dose": "P",
    "create symptom": "P",
    "read plan": "P",
    "read advice": "P",
    "answer advice": "P",
    "read goal": "PCL",
    "create goal": "PCL",
    "answer goal": "PCL",
    "read message": "PCL",
    "create message": "PCL",
    "halt loop": "PCL",
    "resume loop": "PCL",
    "search worklist": "CL",
    "read record": "CL",
    "read trend": "CL",
    "read timeline": "CLA",
    "search review": "CL",
    "read review": "CL",
    "claim review": "CL",
    "decide review": "CL",
    "read envelope": "CL",
    "sign envelope": "CL",
    "revoke envelope": "CL",
    "search alarm": "CL",
    "acknowledge alarm": "CL",
    "close alarm": "CL",
    "update record": "CL",
    "close symptom": "CL",
    "search task": "CL",
    "close task": "CL",
    "create visit": "CL",
    "halt clinic": "L",
    "resume clinic": "L",
    "read audit_log": "A",
    "export audit_log": "A",
}
LETTER = {role: role.value[0].upper() for role in Role}
NEEDS_MONITORING = {"reading", "weight", "window", "dose", "symptom"}


def subject(role: Role, **changes: object) -> Subject:
    bound = role in (Role.PATIENT, Role.DEVICE)
    values: dict[str, object] = {
        "actor_id": "actor",
        "roles": frozenset({role}),
        "scopes": scopes_of(frozenset({role})),
        "expires_at": NOW + timedelta(minutes=15),
        "patient_id": OWN if bound else None,
    }
    return Subject(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", Role)
def test_every_action_on_every_resource_is_decided_as_the_matrix_says(role: Role) -> None:
    checked = 0
    for action, kind, patient_id in product(Action, ResourceKind, (OWN, OTHER)):
        answer = decide(
            subject(role), action, Resource(kind, patient_id), PURPOSE_OF[role], ALL_CONSENT, NOW
        )
        letters = EXPECTED.get(f"{action.value} {kind.value}", "")
        expected = LETTER[role] in letters and not (
            role.value in ["patient", "device"] and patient_id == OTHER
        )
        assert (answer == Allowed()) is expected, (action, kind, patient_id, answer)
        checked += 1
    assert checked == len(Action) * len(ResourceKind) * 2


def test_the_hand_kept_matrix_names_known_things_only() -> None:
    known = {f"{action.value} {kind.value}" for action, kind in product(Action, ResourceKind)}
    assert set(EXPECTED) <= known


@pytest.mark.parametrize("role", [Role.PATIENT, Role.DEVICE])
@pytest.mark.parametrize("kind", sorted(NEEDS_MONITORING))
@pytest.mark.parametrize(
    "consent", [frozenset(), frozenset({ConsentPurpose.TITRATION, ConsentPurpose.RESEARCH})]
)
def test_nothing_is_collected_without_consent_to_monitoring(
    role: Role, kind: str, consent: frozenset[ConsentPurpose]
) -> None:
    resource = Resource(ResourceKind(kind), OWN)
    answer = decide(subject(role), Action.CREATE, resource, Purpose.SELF, consent, NOW)
    assert answer.kind == "denied"


@pytest.mark.parametrize("consent", [frozenset(), frozenset({ConsentPurpose.MONITORING})])
def test_advice_cannot_be_answered_without_consent_to_titration(
    consent: frozenset[ConsentPurpose],
) -> None:
    resource = Resource(ResourceKind.ADVICE, OWN)
    answer = decide(subject(Role.PATIENT), Action.ANSWER, resource, Purpose.SELF, consent, NOW)
    assert answer == Denied(DenialReason.NO_CONSENT)


@pytest.mark.parametrize("role", [Role.PATIENT, Role.CLINICIAN, Role.LEAD])
def test_the_brake_needs_no_consent(role: Role) -> None:
    resource = Resource(ResourceKind.LOOP, OWN)
    answer = decide(subject(role), Action.HALT, resource, PURPOSE_OF[role], frozenset(), NOW)
    assert answer == Allowed()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expires_at": NOW}, DenialReason.EXPIRED),
        ({"scopes": frozenset()}, DenialReason.MISSING_SCOPE),
        ({"patient_id": None}, DenialReason.UNBOUND),
        ({"patient_id": OTHER}, DenialReason.OTHER_PATIENT),
        ({"roles": frozenset()}, DenialReason.WRONG_ROLE),
    ],
)
def test_each_flaw_of_a_subject_is_named(changes: dict[str, object], reason: DenialReason) -> None:
    answer = decide(
        subject(Role.PATIENT, **changes),
        Action.READ,
        Resource(ResourceKind.PLAN, OWN),
        Purpose.SELF,
        ALL_CONSENT,
        NOW,
    )
    assert answer == Denied(reason)


def test_a_patient_who_is_also_a_clinician_still_reaches_one_patient_only() -> None:
    both = frozenset({Role.PATIENT, Role.CLINICIAN})
    person = subject(Role.PATIENT, roles=both, scopes=scopes_of(both))
    answer = decide(
        person, Action.READ, Resource(ResourceKind.TREND, OTHER), Purpose.CARE, ALL_CONSENT, NOW
    )
    assert answer == Denied(DenialReason.OTHER_PATIENT)


def test_the_wrong_purpose_is_denied() -> None:
    answer = decide(
        subject(Role.CLINICIAN),
        Action.READ,
        Resource(ResourceKind.TREND, OWN),
        Purpose.AUDIT,
        ALL_CONSENT,
        NOW,
    )
    assert answer == Denied(DenialReason.WRONG_PURPOSE)


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.LEAD])
def test_nobody_without_a_patient_acts_for_a_patients_own_purpose(role: Role) -> None:
    resource = Resource(ResourceKind.GOAL, None)
    answer = decide(subject(role), Action.CREATE, resource, Purpose.SELF, ALL_CONSENT, NOW)
    assert answer == Denied(DenialReason.UNBOUND)
