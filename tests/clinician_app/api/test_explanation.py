"""A ranker's codes become sentences: every number its own, nothing left out, nothing unreadable."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clinician_app.api.explanation import explanation
from models.predict import FilterPredictor
from services.clinical.formulary import Drug
from services.clinical.moves import KEEP, DoseChange, Move, MoveKind, legal_moves
from services.clinical.moves import Path as MovePath
from services.clinical.patient import Adherence, Snapshot
from services.clinical.proposal import Predictor, RankedMove, Ranking
from services.clinical.titration import Titrator
from services.clinical.units import Micrograms
from tests.models import models_made
from tests.models.patients import NOW, TARGET, changed, prescription, snapshot

UP = Move(MoveKind.STEP_UP, (DoseChange(Drug.AMLODIPINE, Micrograms(5_000), Micrograms(10_000)),))
ADD = Move(MoveKind.START, (DoseChange(Drug.LOSARTAN, Micrograms(0), Micrograms(50_000)),))
PATIENT = snapshot(
    [148.0] * 40,
    (prescription(Drug.AMLODIPINE, 5_000), prescription(Drug.LISINOPRIL, 10_000)),
    (changed(Drug.LISINOPRIL, 0, 10_000, days_ago=20),),
)


def ranked(move: Move, *reasons: str) -> RankedMove:
    return RankedMove(move, 500, -70, -110, -30, 40, 1, reasons)


def ranking(*moves: RankedMove) -> Ranking:
    return Ranking(moves, 80, "filter", "v", "cuff-1", None)


BEST = ranked(
    ADD,
    "symptoms_percent:8",
    "days_to_know:24",
    "change_tenths:amlodipine:9",
    "change_tenths:losartan:-71",
    "ahead_thousandths:in_target:42",
    "ahead_thousandths:symptoms:0",
    "ahead_thousandths:line:-50",
    "level_tenths:literature:none:1520",
    "level_tenths:own_readings:none:63",
    "level_tenths:network:none:-12",
    "level_tenths:literature:losartan:-80",
    "level_tenths:own_readings:losartan:9",
    "level_tenths:literature:amlodipine:-83",
    "level_tenths:own_readings:amlodipine:0",
    "timing:with_a_daily_habit",
    "pareto_front",
)
NEXT = ranked(UP, "behind_thousandths:in_target:-42", "behind_thousandths:excess:15")
STILL = ranked(
    KEEP, "rung_up:amlodipine:-15:12:516", "rung_up:lisinopril:0:9:never", "pareto_front"
)


def told(held: Ranking | None, move: Move) -> dict[str, list[str]]:
    return {part.heading: part.lines for part in explanation(held, move)}


def test_the_first_choice_says_what_it_changes_where_it_leads_and_what_it_has_over_the_next() -> (
    None
):
    assert told(ranking(BEST, NEXT, STILL), ADD) == {
        "Why": [
            "Amlodipine, beside them, +0.9 mmHg",
            "Losartan −7.1 mmHg",
            "A symptom over placebo from these doses: 8 %",
            "24 days on each side would show the change in one person",
            "Doses are missed: best taken with a daily habit",
        ],
        "Where it leads": [
            "Without any drug: 152.0 mmHg by the literature, +6.3 mmHg by this patient's own "
            "readings, −1.2 mmHg by the trained network",
            "Losartan: −8.0 mmHg by the literature, +0.9 mmHg by this patient's own readings",
            "Amlodipine: −8.3 mmHg by the literature",
        ],
        "Over the next one: Increase amlodipine 5→10 mg": [
            "More time in target: 4.2 points",
            "Worse order of the classes: 5.0 points",
        ],
        "One rung more": [
            "Amlodipine −1.5 mmHg, a symptom in 12 %, known after 516 days",
            "Lisinopril +0.0 mmHg, a symptom in 9 %, no change to be known",
        ],
        "Not beaten in control, symptoms and tablets at once": ["No change"],
    }


def test_another_choice_says_what_it_lacks_of_the_first() -> None:
    found = told(ranking(BEST, NEXT, STILL), UP)
    assert found["Behind the ranker's first choice: Add losartan 50 mg"] == [
        "Less time in target: 4.2 points",
        "Less pressure above the goal: 1.5 points",
    ]
    assert "Where it leads" not in found


def test_without_a_ranking_or_for_a_move_that_was_not_ranked_nothing_is_said() -> None:
    assert explanation(None, ADD) == [] == explanation(ranking(STILL), ADD)


def test_a_reason_that_has_no_sentence_is_shown_as_it_was_said() -> None:
    assert told(ranking(ranked(ADD, "new_kind:7")), ADD)["Why"] == ["New kind:7"]


def test_the_titrator_says_what_it_went_by_and_not_the_kind_of_its_move() -> None:
    moves = legal_moves(PATIENT, path=MovePath.CLINICIAN, now=NOW)
    held = Titrator().rank(PATIENT, moves, TARGET, NOW)
    assert told(held, held.moves[0].move)["Why"] == ["No average to judge by"]
    high = ranking(ranked(UP, "above_target", "step_up"))
    assert told(high, UP)["Why"] == ["The pressure is above the goal"]


@pytest.mark.parametrize("kind", ["filter", "network", "titrator"])
@pytest.mark.parametrize(
    "patient",
    [
        PATIENT,
        replace(PATIENT, adherence=Adherence(21, 28)),
        snapshot([112.0] * 40, PATIENT.regimen),
        snapshot([165.0] * 9, ()),
    ],
)
def test_every_code_that_a_ranker_can_say_has_a_sentence(
    kind: str, patient: Snapshot, tmp_path: Path
) -> None:
    held = models_made.made(tmp_path, Ed25519PrivateKey.generate())
    rankers: dict[str, Predictor] = {
        "filter": FilterPredictor(),
        "network": models_made.predictor(held),
        "titrator": Titrator(),
    }
    moves = legal_moves(patient, path=MovePath.CLINICIAN, now=NOW)
    found = rankers[kind].rank(patient, moves, TARGET, NOW)
    for place in found.moves:
        lines = [line for part in explanation(found, place.move) for line in part.lines]
        assert lines
        for line in lines:
            assert "_" not in line and ":" not in line.replace(": ", " "), line
