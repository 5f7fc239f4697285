"""The one answer to "may they?": pure, table-driven, and no where there is no row.

Both doors ask here before they touch a record, and again in their query filters.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from services.access.rules import RULES, Action, Purpose, ResourceKind, Role, Rule
from services.clinical.patient import ConsentPurpose

__all__ = [
    "Action",
    "Allowed",
    "Decision",
    "Denied",
    "DenialReason",
    "Purpose",
    "Resource",
    "ResourceKind",
    "Role",
    "Subject",
    "decide",
    "scopes_of",
]

# These may only ever reach the one patient whom their token names.
_BOUND_ROLES = frozenset({Role.PATIENT, Role.DEVICE})


class DenialReason(StrEnum):
    """Why not; the first that applies."""

    EXPIRED = "expired"
    NO_RULE = "no_rule"
    WRONG_ROLE = "wrong_role"
    MISSING_SCOPE = "missing_scope"
    UNBOUND = "unbound"
    """A token that names no patient, of a patient or a device or for a patient's own purpose."""
    OTHER_PATIENT = "other_patient"
    WRONG_PURPOSE = "wrong_purpose"
    NO_CONSENT = "no_consent"


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks, as a verified token says. `patient_id` binds a patient's or a device's token."""

    actor_id: str
    roles: frozenset[Role]
    scopes: frozenset[str]
    expires_at: datetime
    patient_id: str | None = None
    device_id: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked for. `patient_id` None: it belongs to the clinic, not to one patient."""

    kind: ResourceKind
    patient_id: str | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """Go on."""

    kind: Literal["allowed"] = "allowed"


@dataclass(frozen=True, slots=True)
class Denied:
    """Do not, and log it."""

    reason: DenialReason
    kind: Literal["denied"] = "denied"


Decision = Allowed | Denied


def decide(
    subject: Subject,
    action: Action,
    resource: Resource,
    purpose: Purpose,
    consent: frozenset[ConsentPurpose],
    now: datetime,
) -> Decision:
    """Return whether `subject` may do `action` on `resource` at `now`.

    `consent` is the patient's, as it stands; the empty set when there is no patient. Anything
    that no row of the table names is denied.
    """
    rule = RULES.get((action, resource.kind))
    if now >= subject.expires_at:
        return Denied(DenialReason.EXPIRED)
    if rule is None:
        return Denied(DenialReason.NO_RULE)
    reason = _objection(rule, subject, resource, purpose, consent)
    return Allowed() if reason is None else Denied(reason)


def scopes_of(roles: frozenset[Role]) -> frozenset[str]:
    """Return every scope that these roles can use: what a token of theirs is given."""
    return frozenset(rule.scope for rule in RULES.values() if rule.roles & roles)


def _objection(
    rule: Rule,
    subject: Subject,
    resource: Resource,
    purpose: Purpose,
    consent: frozenset[ConsentPurpose],
) -> DenialReason | None:
    """The first reason against, in an order that gives the asker no more than they may know."""
    checks = (
        (bool(rule.roles & subject.roles), DenialReason.WRONG_ROLE),
        (rule.scope in subject.scopes, DenialReason.MISSING_SCOPE),
        (_is_bound(subject, purpose), DenialReason.UNBOUND),
        (_may_reach(subject, resource), DenialReason.OTHER_PATIENT),
        (purpose in rule.purposes, DenialReason.WRONG_PURPOSE),
        (rule.consent is None or rule.consent in consent, DenialReason.NO_CONSENT),
    )
    return next((reason for passed, reason in checks if not passed), None)


def _is_bound(subject: Subject, purpose: Purpose) -> bool:
    """Patients, devices, and whoever acts about themselves have a patient in their token."""
    must_be = bool(subject.roles & _BOUND_ROLES) or purpose is Purpose.SELF
    return not must_be or subject.patient_id is not None


def _may_reach(subject: Subject, resource: Resource) -> bool:
    """A bound token reaches its own patient only, whatever other roles it may also carry."""
    return subject.patient_id is None or subject.patient_id == resource.patient_id
