"""The cast: every story is played, on doses that exist, by people who are alive."""

import json
from datetime import UTC, datetime

import pytest

from demo.backfill import record_bytes
from demo.personas import DECEASED, PERSONAS, Persona, Story, cast
from services.clinical.formulary import FORMULARY
from services.clinical.patient import Sex
from services.clinical.units import parse_dose
from services.fhir.bundle_import import read_bundle
from services.fhir.imported import BundleRefused

_NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_twenty_four_people_play_every_story() -> None:
    assert {p.story for p in cast(24)} == set(Story)
    assert len({p.record for p in PERSONAS}) == len(PERSONAS)


@pytest.mark.parametrize("count", [0, len(PERSONAS) + 1])
def test_more_people_than_records_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="--patients"):
        cast(count)


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda p: p.record)
def test_everyone_is_alive_and_takes_what_the_record_says(persona: Persona) -> None:
    found = read_bundle(record_bytes(persona.record), now=_NOW)
    recorded = {p.drug for p in found.record.prescriptions}
    taken = {line.drug for line in persona.regimen}
    # One patient names a drug that the record does not know; nobody leaves one out.
    assert taken == recorded or (persona.story is Story.NO_LABS and taken > recorded)
    for line in persona.regimen:
        assert parse_dose(line.daily_dose) in FORMULARY[line.drug].ladder_ug
    assert found.record.pregnancy is None
    born = found.identity.birth_date
    assert born is not None
    if found.identity.sex is Sex.FEMALE and _NOW.year - born.year <= 56:
        assert persona.pregnancy.value == "not_pregnant"


def test_the_deceased_record_is_refused() -> None:
    with pytest.raises(BundleRefused, match="deceased"):
        read_bundle(record_bytes(DECEASED), now=_NOW)


def test_the_deceased_plays_no_part() -> None:
    assert DECEASED not in {p.record for p in PERSONAS}
    assert json.loads(record_bytes(DECEASED))["resourceType"] == "Bundle"
