"""Alarms of the laboratory, each at its limit."""

from datetime import timedelta

import pytest

from services.clinical.alarms import Alarm, AlarmCause, Urgency, scan
from services.clinical.formulary import Drug
from services.clinical.patient import Lab, LabResult
from tests.services.clinical.examples import DAY, NOW, changed, lab, prescription, snapshot


def found(*labs: LabResult, **changes: object) -> list[tuple[str, str]]:
    made = snapshot(readings=(), labs=labs, **changes)
    return [(alarm.cause.value, alarm.urgency.value) for alarm in scan(made, NOW)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (6000, [("potassium_high", "same_day")]),
        (5999, [("potassium_high", "queue")]),
        (5000, [("potassium_high", "queue")]),
        (4999, []),
        (3500, []),
        (3499, [("potassium_low", "queue")]),
        (3000, [("potassium_low", "queue")]),
        (2999, [("potassium_low", "same_day")]),
    ],
)
def test_potassium(value: int, expected: list[tuple[str, str]]) -> None:
    assert found(lab(Lab.POTASSIUM, value, 1)) == expected


def test_a_result_alarms_for_thirty_days() -> None:
    assert found(lab(Lab.POTASSIUM, 6000, 30)) == [("potassium_high", "same_day")]
    assert found(LabResult(Lab.POTASSIUM, 6000, NOW - 30 * DAY - timedelta(seconds=1))) == []
    assert found(LabResult(Lab.POTASSIUM, 6000, NOW)) == [("potassium_high", "same_day")]
    assert found(LabResult(Lab.POTASSIUM, 6000, NOW + DAY)) == []


def test_an_alarm_names_the_test_and_its_sample_and_began_when_it_was_taken() -> None:
    made = snapshot(readings=(), labs=(lab(Lab.POTASSIUM, 6000, 2),))
    assert scan(made, NOW) == (
        Alarm(
            AlarmCause.POTASSIUM_HIGH,
            Urgency.SAME_DAY,
            NOW - 2 * DAY,
            ("potassium:2026-05-18T12:00:00+00:00",),
        ),
    )


@pytest.mark.parametrize(
    ("value", "on_thiazide", "expected"),
    [
        (135_000, True, []),
        (134_999, True, [("sodium_low", "queue")]),
        (130_000, True, [("sodium_low", "queue")]),
        (129_999, True, [("sodium_low", "same_day")]),
        (129_999, False, [("sodium_low", "queue")]),
        (134_999, False, [("sodium_low", "queue")]),
        (135_000, False, []),
    ],
)
def test_sodium(value: int, on_thiazide: bool, expected: list[tuple[str, str]]) -> None:
    drug = Drug.CHLORTHALIDONE if on_thiazide else Drug.AMLODIPINE
    assert found(lab(Lab.SODIUM, value, 1), regimen=(prescription(drug, 12_500),)) == expected


def kidney(egfr: tuple[int, int], creatinine: tuple[int, int]) -> list[tuple[str, str]]:
    return found(
        lab(Lab.EGFR, egfr[0], 70),
        lab(Lab.EGFR, egfr[1], 1),
        lab(Lab.CREATININE, creatinine[0], 70),
        lab(Lab.CREATININE, creatinine[1], 1),
        changes=(changed(60, Drug.LISINOPRIL, 0, 10_000),),
    )


QUEUE, SAME_DAY = [("renal_fall", "queue")], [("renal_fall", "same_day")]


@pytest.mark.parametrize(
    ("egfr", "creatinine", "expected"),
    [
        ((80_000, 60_000), (1000, 1000), []),
        ((80_000, 59_999), (1000, 1000), QUEUE),
        ((80_000, 56_000), (1000, 1000), QUEUE),
        ((80_000, 55_999), (1000, 1000), SAME_DAY),
        ((80_000, 80_000), (1000, 1300), []),
        ((80_000, 80_000), (1000, 1301), QUEUE),
        ((80_000, 80_000), (1000, 1429), QUEUE),
        ((80_000, 80_000), (1000, 1430), SAME_DAY),
        ((80_000, 90_000), (1000, 900), []),
    ],
)
def test_a_fall_of_kidney_function_after_a_ras_blocker(
    egfr: tuple[int, int], creatinine: tuple[int, int], expected: list[tuple[str, str]]
) -> None:
    assert kidney(egfr, creatinine) == expected


def test_a_fall_without_a_ras_blocker_is_none_of_its_doing() -> None:
    assert found(lab(Lab.EGFR, 80_000, 70), lab(Lab.EGFR, 40_000, 1)) == []


def test_creatinine_alone_can_show_the_fall() -> None:
    assert (
        found(
            lab(Lab.CREATININE, 1000, 70),
            lab(Lab.CREATININE, 1500, 1),
            changes=(changed(60, Drug.LISINOPRIL, 0, 10_000),),
        )
        == SAME_DAY
    )


def test_an_old_fall_was_acted_on() -> None:
    assert (
        found(
            lab(Lab.EGFR, 80_000, 70),
            lab(Lab.EGFR, 40_000, 31),
            changes=(changed(60, Drug.LISINOPRIL, 0, 10_000),),
        )
        == []
    )
