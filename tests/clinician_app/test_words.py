"""Words: what a clinician reads says the dose, the direction and the age of things exactly."""

from datetime import UTC, date, datetime, timedelta

import pytest

from clinician_app import words
from services.clinical.formulary import Drug
from services.clinical.moves import KEEP, DoseChange, Move, MoveKind
from services.clinical.units import Micrograms

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def change(drug: Drug, from_ug: int, to_ug: int) -> DoseChange:
    return DoseChange(drug, Micrograms(from_ug), Micrograms(to_ug))


UP = change(Drug.AMLODIPINE, 5_000, 10_000)
NEW = change(Drug.CHLORTHALIDONE, 0, 12_500)
GONE = change(Drug.LISINOPRIL, 20_000, 0)


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (KEEP, "No change"),
        (Move(MoveKind.STEP_UP, (UP,)), "Increase amlodipine 5→10 mg"),
        (
            Move(MoveKind.STEP_DOWN, (change(Drug.LISINOPRIL, 20_000, 10_000),)),
            "Reduce lisinopril 20→10 mg",
        ),
        (Move(MoveKind.START, (NEW,)), "Add chlorthalidone 12.5 mg"),
        (
            Move(MoveKind.ADD_AND_STEP_UP, (NEW, UP)),
            "Add chlorthalidone 12.5 mg, increase amlodipine 5→10 mg",
        ),
        (Move(MoveKind.STOP, (GONE,)), "Stop lisinopril 20 mg"),
        (Move(MoveKind.PAUSE, (GONE,)), "Pause lisinopril 20 mg"),
        (
            Move(MoveKind.RESUME, (change(Drug.LISINOPRIL, 0, 20_000),)),
            "Resume lisinopril 20 mg",
        ),
        (
            Move(MoveKind.SWAP, (GONE, change(Drug.LOSARTAN, 0, 50_000))),
            "Change lisinopril 20 mg to losartan 50 mg",
        ),
    ],
)
def test_a_move_names_drug_dose_and_direction(move: Move, expected: str) -> None:
    assert words.describe_move(move) == expected


@pytest.mark.parametrize(
    ("percent", "word"),
    [(None, "not stated"), (59, "low"), (60, "moderate"), (79, "moderate"), (80, "high")],
)
def test_certainty_is_a_word_beside_its_number(percent: int | None, word: str) -> None:
    assert words.certainty_word(percent) == word


@pytest.mark.parametrize(("tenths", "text"), [(-70, "−7"), (24, "+2"), (-4, "0"), (0, "0")])
def test_an_expected_change_keeps_its_sign(tenths: int, text: str) -> None:
    assert words.mmhg_change(tenths) == text


def test_an_unknown_birth_date_gives_no_age() -> None:
    assert words.age_years(None, NOW.date()) is None
    assert words.age_years(date(1960, 3, 3), NOW.date()) == 65
    assert words.age_years(date(1960, 3, 2), NOW.date()) == 66


def test_due_says_overdue_from_the_moment_itself() -> None:
    assert words.due_words(None, NOW) == "–"
    assert words.due_words(NOW, NOW) == "overdue 0 min"
    assert words.due_words(NOW + timedelta(hours=5), NOW) == "in 5 h"
    assert words.due_words(NOW - timedelta(days=3), NOW) == "overdue 3 d"
    assert words.ago(None, NOW) == "never"


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert [words.hundredths(value) for value in (-0.004, 0.0, -0.006, 0.126)] == [
        "0.00",
        "0.00",
        "-0.01",
        "0.13",
    ]
