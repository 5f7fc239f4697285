"""For and against: what a clinician would ask first, at most three each, never invented."""

from dataclasses import replace
from datetime import timedelta

from clinician_app.api.arguments import MOST, arguments
from clinician_app.api.proposals import checks_out, clinician_findings, expected_words, options
from services import clock
from services.clinical.formulary import Drug
from services.clinical.moves import KEEP, DoseChange, Move, MoveKind
from services.clinical.patient import Adherence, Pregnancy, Sex, Snapshot, Symptom, SymptomReport
from services.clinical.proposal import RankedMove
from services.clinical.units import Micrograms
from services.store import Acting, Store, snapshots
from tests.clinician_app import clinic
from tests.clinician_app.conftest import Api

UP = Move(MoveKind.STEP_UP, (DoseChange(Drug.AMLODIPINE, Micrograms(5_000), Micrograms(10_000)),))
ADD = Move(MoveKind.START, (DoseChange(Drug.LISINOPRIL, Micrograms(0), Micrograms(10_000)),))
DOWN = Move(
    MoveKind.STEP_DOWN, (DoseChange(Drug.AMLODIPINE, Micrograms(5_000), Micrograms(2_500)),)
)


async def snapshot_of(store: Store, sick: clinic.Sick) -> Snapshot:
    anna = await clinic.clinician(store, "anna")
    patient_id = await clinic.patient(store, anna, sick)
    async with store.transaction(Acting("clinician", anna, patient_id)) as tx:
        return (await snapshots.build(tx, patient_id, now=clock.now()))[0]


async def test_arguments_follow_the_record(api: Api) -> None:
    now = clock.now()
    good = await snapshot_of(api.store, clinic.Sick("Ada, A"))
    pro, contra = arguments(UP, None, good, now=now)
    assert pro[0].startswith("Home mean ") and "goal below 130/80" in pro[0]
    assert pro[1] == "Doses taken 100 %: the dose, not adherence"
    assert contra == []
    dizzy = SymptomReport(Symptom.DIZZINESS, now, open=True)
    bad = replace(
        good, labs=(), adherence=Adherence(10, 28), symptoms=(dizzy,), medicines_complete=False
    )
    pro, contra = arguments(UP, None, bad, now=now)
    assert len(pro) <= MOST and len(contra) == MOST
    assert contra[:2] == ["Dizziness, a fall or fainting is open", "Only 36 % of doses taken"]
    assert contra[2] == "Potassium never measured"
    assert (
        "A lower dose is never held back for missing data" in arguments(DOWN, None, bad, now=now)[0]
    )
    unknown = replace(good, readings=(), adherence=None)
    pro, contra = arguments(UP, None, unknown, now=now)
    assert not any("mean" in text for text in pro) and "Doses taken: not known" in contra


async def test_a_hard_rule_takes_a_move_off_the_list_and_a_passable_one_stays(api: Api) -> None:
    good = await snapshot_of(api.store, clinic.Sick("Ada, A"))
    now = good.as_of
    pregnant = replace(good, sex=Sex.FEMALE, pregnancy=Pregnancy.PREGNANT)
    assert checks_out(clinician_findings(UP, good, None, now=now)) == []
    shown = {option.move_id for option in options(KEEP, None, good, None, now=now)}
    assert {UP.move_id, ADD.move_id, DOWN.move_id} <= shown
    for option in options(KEEP, None, pregnant, None, now=now):
        assert "lisinopril" not in option.move_id and "losartan" not in option.move_id
    early = replace(good, regimen=(replace(good.regimen[0], since=now - timedelta(days=2)),))
    checks = checks_out(clinician_findings(UP, early, None, now=now))
    assert checks and all(check.words and check.kind for check in checks)


def test_an_expectation_is_told_with_its_interval() -> None:
    ranked = RankedMove(UP, 1, -72, -120, -18, 60, 2)
    assert expected_words(ranked) == ("Expected systolic change −7 mmHg (80 % interval −12 to −2)")
    assert expected_words(None) is None
