"""A living patient comes in whole with the bytes that came; anything doubtful stays outside."""

import gzip
import hashlib
import json

import pytest

from services.clinical.patient import Condition, Pregnancy, Sex
from services.fhir.bundle_import import read_addition, read_bundle
from services.fhir.imported import BundleRefused
from tests.services.fhir.bundles import (
    NOW,
    OWNER,
    VENDORED,
    JsonObject,
    about,
    bundle,
    condition,
    lab,
    patient,
    request,
    vendored,
)

_MANIFEST = json.loads((VENDORED / "manifest.json").read_bytes())["patients"]
_LIVING = [row for row in _MANIFEST if row["deceased"] is None]


def _name(row: JsonObject) -> str:
    return str(row["file"]).removeprefix("patients/").removesuffix(".json.gz")


@pytest.mark.parametrize("row", _MANIFEST, ids=_name)
def test_vendored_bytes_are_those_of_their_source(row: JsonObject) -> None:
    raw = gzip.decompress((VENDORED / str(row["file"])).read_bytes())
    assert hashlib.sha256(raw).hexdigest() == row["sha256_json"]


@pytest.mark.parametrize("row", _LIVING, ids=_name)
def test_every_living_patient_is_read_and_nothing_is_guessed(row: JsonObject) -> None:
    raw = vendored(_name(row))
    found = read_bundle(raw, now=NOW)
    assert found.identity.source_id == row["patient_id"]
    assert found.identity.birth_date is not None
    assert found.identity.birth_date.isoformat() == row["birthDate"]
    assert found.record.hypertension
    assert found.record.prescriptions or found.record.other_medicines
    # Synthea writes bare numbers, so no dose of these records can be known.
    assert all(p.daily_dose_ug is None for p in found.record.prescriptions)
    listed = {u.resource_id for u in found.record.unknowns if u.kind == "dose"}
    assert listed == {p.source_id for p in found.record.prescriptions}
    for resource in found.record.resources:
        assert resource.body in raw
        assert json.loads(resource.body)["id"] == resource.resource_id


def test_the_vendored_patients_are_enough_for_the_demo() -> None:
    assert len(_LIVING) >= 24
    assert len(_MANIFEST) - len(_LIVING) == 1


def test_a_deceased_patient_is_refused() -> None:
    deceased = next(row for row in _MANIFEST if row["deceased"] is not None)
    with pytest.raises(BundleRefused) as caught:
        read_bundle(vendored(_name(deceased)), now=NOW)
    assert caught.value.code == "deceased"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"not json", "malformed_json"),
        (b"\xff\xfe", "not_utf8"),
        (b'{"resourceType":"Patient","id":"p"}', "not_a_bundle"),
        (b'{"resourceType":"Bundle","type":"history","entry":[]}', "not_a_bundle"),
        (bundle(), "no_patient"),
        (bundle(patient(), patient(id="p-2")), "several_patients"),
        (bundle(patient(deceasedBoolean=True)), "deceased"),
        (bundle(patient(deceasedDateTime="2020-01-01")), "deceased"),
        (bundle(patient(birthDate="yesterday")), "unreadable_patient"),
        (bundle(patient(), about("Observation", "o", owner="p-2")), "other_patient"),
        (bundle(patient(), about("Claim", "x", owner="p-2")), "other_patient"),
        (bundle(patient(), {"resourceType": "Condition", "id": "c"}), "other_patient"),
        (bundle(patient(), condition("1", subject={"reference": "Patient?x=1"})), "other_patient"),
    ],
)
def test_a_doubtful_bundle_is_refused_whole(raw: bytes, code: str) -> None:
    with pytest.raises(BundleRefused) as caught:
        read_bundle(raw, now=NOW)
    assert caught.value.code == code


def test_a_refusal_names_no_value_of_the_record() -> None:
    with pytest.raises(BundleRefused) as caught:
        read_bundle(bundle(patient(birthDate="1960-13-77")), now=NOW)
    assert "1960" not in str(caught.value)


def test_a_small_record_is_read_in_clinical_terms() -> None:
    raw = bundle(
        patient(),
        condition("44054006"),
        condition("72892002"),
        lab("2823-3", 4.8, "mmol/L"),
        request("314076"),
        indent=2,
    )
    found = read_bundle(raw, now=NOW)
    assert (found.identity.family, found.identity.sex) == ("Testperson", Sex.FEMALE)
    assert found.record.conditions == {Condition.DIABETES_TYPE_2}
    assert found.record.pregnancy is Pregnancy.PREGNANT
    assert [r.value_thousandths for r in found.record.labs] == [4800]
    assert len(found.record.resources) == 5


def test_a_gender_that_says_nothing_of_sex_is_unknown() -> None:
    found = read_bundle(bundle(patient(gender="other")), now=NOW)
    assert found.identity.sex is Sex.UNKNOWN


def test_one_misshapen_resource_is_listed_and_the_rest_is_read() -> None:
    misshapen = lab("2823-3", 4.8, "mmol/L", id="bad", valueQuantity=5)
    found = read_bundle(bundle(patient(), misshapen, lab("2823-3", 4.1, "mmol/L")), now=NOW)
    assert [u.resource_id for u in found.record.unknowns] == ["bad"]
    assert [r.value_thousandths for r in found.record.labs] == [4100]


def test_more_of_a_known_patient_is_read_by_our_id() -> None:
    found = read_addition(bundle(lab("2823-3", 4.8, "mmol/L")), patient_id=OWNER, now=NOW)
    assert [r.value_thousandths for r in found.record.labs] == [4800]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (bundle(lab("2823-3", 4.8, "mmol/L")), "other_patient"),
        (bundle(patient(id="p-9")), "several_patients"),
    ],
)
def test_an_addition_cannot_change_whose_it_is(raw: bytes, code: str) -> None:
    with pytest.raises(BundleRefused) as caught:
        read_addition(raw, patient_id="p-9", now=NOW)
    assert caught.value.code == code
