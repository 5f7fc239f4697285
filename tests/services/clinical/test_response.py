"""Expected response: the table's figures, fading baselines, and honest spread."""

import pytest

from services.clinical.formulary import FORMULARY, Drug
from services.clinical.moves import KEEP, Move, MoveKind
from services.clinical.response import expected_response
from tests.services.clinical.examples import DOWN, change, start


@pytest.mark.parametrize(
    ("drug", "dose_ug", "fall_tenths"),
    [
        (Drug.LISINOPRIL, 5_000, 69),
        (Drug.LISINOPRIL, 10_000, 85),
        (Drug.LISINOPRIL, 20_000, 100),
        (Drug.LOSARTAN, 50_000, 103),
        (Drug.AMLODIPINE, 10_000, 117),
        (Drug.CHLORTHALIDONE, 12_500, 74),
        (Drug.BISOPROLOL, 5_000, 92),
    ],
)
def test_the_falls_are_the_table_s_at_154(drug: Drug, dose_ug: int, fall_tenths: int) -> None:
    assert expected_response(start(drug, dose_ug), 1540, 1300).change_tenths == -fall_tenths


def test_beyond_the_double_dose_the_gain_fades_and_below_half_it_is_in_proportion() -> None:
    falls = [
        -expected_response(start(Drug.LISINOPRIL, dose), 1540, 1300).change_tenths
        for dose in (10_000, 20_000, 40_000)
    ]
    assert falls[2] - falls[1] < falls[1] - falls[0]
    quarter = expected_response(start(Drug.METOPROLOL, 25_000), 1540, 1300).change_tenths
    assert quarter == -37


def test_every_class_falls_further_with_every_rung() -> None:
    for drug, entry in FORMULARY.items():
        falls = [
            expected_response(start(drug, rung), 1540, 1300).change_tenths
            for rung in entry.ladder_ug
        ]
        assert falls == sorted(falls, reverse=True)
        assert falls[0] < 0


def test_a_lower_baseline_falls_less_within_limits() -> None:
    def fall(mean_tenths: int) -> int:
        return -expected_response(start(Drug.LISINOPRIL, 10_000), mean_tenths, 1300).change_tenths

    assert fall(1400) == round(85 * (1 - 0.013 * 14))
    assert fall(900) == round(85 * 0.35)
    assert fall(2500) == round(85 * 1.6)


def test_two_drugs_add_to_nine_tenths_of_their_sum() -> None:
    both = Move(
        MoveKind.START_TWO,
        (change(Drug.LISINOPRIL, 0, 10_000), change(Drug.AMLODIPINE, 0, 5_000)),
    )
    assert expected_response(both, 1540, 1300).change_tenths == -round(0.9 * (85 + 88))


def test_stepping_down_raises_the_pressure_and_eases_symptoms() -> None:
    found = expected_response(DOWN, 1540, 1300)
    assert found.change_tenths > 0 and found.symptoms_per_mille < 0
    assert found.low_tenths < found.change_tenths < found.high_tenths


def test_keeping_has_the_spread_of_the_next_window_alone() -> None:
    found = expected_response(KEEP, 1300, 1300)
    assert (found.change_tenths, found.in_target_percent, found.symptoms_per_mille) == (0, 50, 0)
    assert found.high_tenths == -found.low_tenths == round(1.2816 * 33)
    assert expected_response(KEEP, 1050, 1300).low_pressure_percent == 50
