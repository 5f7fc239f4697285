"""Conditions, pregnancy and intolerances of a record."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.clinical.patient import Condition, Intolerance, Pregnancy
from services.fhir import codes, fields, terminology
from services.fhir.imported import Unknown

_PRESENT: Final = frozenset({"active", "recurrence", "relapse"})
_NOT_TRUE: Final = frozenset({"refuted", "entered-in-error"})


@dataclass(frozen=True, slots=True)
class Diagnoses:
    """What the Conditions say. Pregnancy is None unless one is under way: silence is not "no"."""

    conditions: frozenset[Condition]
    hypertension: bool
    pregnancy: Pregnancy | None
    unknowns: tuple[Unknown, ...]


def read_conditions(resources: Iterable[dict[str, object]], *, now: datetime) -> Diagnoses:
    """Return the conditions that a rule reads; present ones that none reads are listed."""
    found: set[Condition] = set()
    unknowns: list[Unknown] = []
    hypertension, pregnant = False, False
    for resource in resources:
        if fields.status_code(resource.get("verificationStatus")) in _NOT_TRUE:
            continue
        code = next((c for c, _ in fields.codings(resource.get("code"), codes.SNOMED)), "")
        present = fields.status_code(resource.get("clinicalStatus")) in _PRESENT
        condition = terminology.CONDITIONS.get(code)
        if condition is not None and (present or condition in terminology.NEVER_OVER):
            found.add(condition)
        if code in terminology.CARDIOVASCULAR_EVENTS and _is_recent(resource, now):
            found.add(Condition.RECENT_CARDIOVASCULAR_EVENT)
        hypertension = hypertension or (present and code in terminology.HYPERTENSION)
        pregnant = pregnant or (present and code in terminology.PREGNANT)
        if present and condition is None and not _is_known(code):
            unknowns.append(_unlisted("Condition", resource))
    return Diagnoses(
        frozenset(found), hypertension, Pregnancy.PREGNANT if pregnant else None, tuple(unknowns)
    )


def read_intolerances(
    resources: Iterable[dict[str, object]],
) -> tuple[tuple[Intolerance, ...], bool, tuple[Unknown, ...]]:
    """Return intolerances of our drugs, whether angioedema is on record, and the unread ones.

    An inactive entry still counts: a rash that is over comes back with the drug.
    """
    found: dict[str, Intolerance] = {}
    unknowns: list[Unknown] = []
    angioedema = False
    for resource in resources:
        if fields.status_code(resource.get("verificationStatus")) in _NOT_TRUE:
            continue
        angioedema = angioedema or _names_angioedema(resource)
        drug = next(
            (
                terminology.SUBSTANCES[code]
                for code, _ in fields.codings(resource.get("code"), codes.RXNORM)
                if code in terminology.SUBSTANCES
            ),
            None,
        )
        if drug is not None:
            found[drug.value] = Intolerance(drug)
        elif not _is_food_or_pollen(resource):
            unknowns.append(_unlisted("AllergyIntolerance", resource))
    return tuple(found.values()), angioedema, tuple(unknowns)


def _is_known(code: str) -> bool:
    return (
        code in terminology.HYPERTENSION
        or code in terminology.PREGNANT
        or code in terminology.CARDIOVASCULAR_EVENTS
    )


def _is_recent(resource: dict[str, object], now: datetime) -> bool:
    """An event without a readable date counts as recent: nobody can say that it was not."""
    began = fields.moment(fields.text(resource, "onsetDateTime"))
    return began is None or now - began[0] < timedelta(days=terminology.RECENT_EVENT_DAYS)


def _names_angioedema(resource: dict[str, object]) -> bool:
    return any(
        terminology.CONDITIONS.get(code) is Condition.ANGIOEDEMA
        for reaction in fields.items(resource.get("reaction"))
        for manifestation in fields.items(reaction.get("manifestation"))
        for code, _ in fields.codings(manifestation, codes.SNOMED)
    )


def _is_food_or_pollen(resource: dict[str, object]) -> bool:
    categories = resource.get("category")
    return (
        isinstance(categories, list)
        and bool(categories)
        and all(category in terminology.NOT_MEDICATION for category in categories)
    )


def _unlisted(resource_type: str, resource: dict[str, object]) -> Unknown:
    code, display = fields.first_coding(resource.get("code"))
    return Unknown(
        "condition" if resource_type == "Condition" else "allergy",
        resource_type,
        fields.text(resource, "id") or "",
        code,
        display,
    )
