"""The explanation is the model: its parts add up, its counterfactuals are ranked moves."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from models import choice, dosage, explain, network
from models.choice import Valued
from models.dosage import Posterior
from services.clinical.formulary import Drug
from services.clinical.moves import KEEP, DoseChange, Move, MoveKind, Path, legal_moves
from services.clinical.patient import Adherence, Snapshot
from services.clinical.units import Micrograms
from tests.models.patients import NOW, TARGET, changed, prescription, snapshot

REGIMEN = (prescription(Drug.AMLODIPINE, 5_000), prescription(Drug.LISINOPRIL, 10_000))
PATIENT = snapshot([148.0] * 40, REGIMEN, (changed(Drug.LISINOPRIL, 0, 10_000, days_ago=20),))


def ranked(patient: Snapshot = PATIENT) -> tuple[list[Valued], Posterior]:
    posterior = dosage.observe(patient, now=NOW)
    moves = legal_moves(patient, path=Path.CLINICIAN, now=NOW)
    before = dosage.doses_now(patient.regimen)
    return choice.order(choice.values(posterior, before, moves, TARGET)), posterior


def corrected(posterior: Posterior) -> Posterior:
    [mean] = network.shifted(posterior.mean[None], np.array([3.0]))
    return replace(posterior, mean=mean)


def test_the_parts_of_a_level_add_up_to_it_with_and_without_the_network() -> None:
    doses = {Drug.AMLODIPINE: 10_000, Drug.LISINOPRIL: 10_000, Drug.CHLORTHALIDONE: 12_500}
    posterior = dosage.observe(PATIENT, now=NOW)
    for ours, uncorrected in ((posterior, None), (corrected(posterior), posterior)):
        parts = explain.level_parts(ours, doses, uncorrected=uncorrected)
        assert sum(p.mmhg for p in parts) == pytest.approx(
            dosage.forecast(ours, doses).mean_mmhg, abs=1e-9
        )
        assert {p.drug for p in parts} == {None, *doses}
    [shift] = [p.mmhg for p in parts if p.source == "network" and p.drug is None]
    assert shift == pytest.approx(3.0)


def test_each_move_s_change_is_the_sum_over_drugs() -> None:
    moves, posterior = ranked()
    before = dosage.doses_now(REGIMEN)
    for valued in moves:
        after = choice.doses_after(before, valued.move)
        found = explain.change_by_drug(posterior, before, after)
        assert sum(found.values()) == pytest.approx(valued.change.mean_mmhg, abs=1e-9)


def test_the_terms_add_up_to_the_score_and_to_the_distance_from_the_next() -> None:
    moves, _ = ranked()
    for valued in moves:
        assert sum(explain.score_parts(valued).values()) == pytest.approx(valued.score, abs=1e-12)
    ahead = explain.advantage(moves[0], moves[1])
    assert sum(ahead.values()) == pytest.approx(moves[0].score - moves[1].score, abs=1e-12)


def test_one_rung_more_is_the_ranked_move_itself() -> None:
    moves, _ = ranked()
    ups = {up.drug: up for up in explain.rungs_up(moves)}
    step = Move(
        MoveKind.STEP_UP, (DoseChange(Drug.AMLODIPINE, Micrograms(5_000), Micrograms(10_000)),)
    )
    [valued] = [v for v in moves if v.move == step]
    assert ups[Drug.AMLODIPINE].change_mmhg == valued.change.mean_mmhg
    assert ups[Drug.AMLODIPINE].days_to_know == choice.days_to_know(valued.change.mean_mmhg)
    assert set(ups) == {Drug.AMLODIPINE, Drug.LISINOPRIL}


def test_nothing_on_the_front_is_beaten_and_everything_off_it_is() -> None:
    moves, _ = ranked()
    before = dosage.doses_now(REGIMEN)
    pills = [explain.tablets_a_day(REGIMEN, choice.doses_after(before, v.move)) for v in moves]
    front = explain.pareto_front(moves, pills)
    assert any(front) and not all(front)

    def beaten(this: int) -> bool:
        mine = (-round(100 * moves[this].in_target), round(100 * moves[this].symptoms), pills[this])
        for other, valued in enumerate(moves):
            cost = (-round(100 * valued.in_target), round(100 * valued.symptoms), pills[other])
            within = valued.low <= choice.LOW_LIMIT
            if within and cost != mine and all(a <= b for a, b in zip(cost, mine, strict=True)):
                return True
        return False

    for place, valued in enumerate(moves):
        if valued.low <= choice.LOW_LIMIT:
            assert front[place] is not beaten(place)
        else:
            assert front[place] is False


def test_where_all_moves_are_beyond_the_low_limit_they_still_have_a_front() -> None:
    moves, _ = ranked(snapshot([84.0] * 60, REGIMEN))
    assert all(v.low > choice.LOW_LIMIT for v in moves)
    assert any(explain.pareto_front(moves, [1] * len(moves)))


@pytest.mark.parametrize(
    ("adherence", "expected"),
    [
        (Adherence(28, 28), None),
        (Adherence(20, 28), None),
        (Adherence(19, 28), "log_incomplete"),
        (None, "log_incomplete"),
        (Adherence(0, 0), None),
    ],
)
def test_it_keeps_out_of_it_when_more_than_three_tenths_of_the_log_are_missing(
    adherence: Adherence | None, expected: str | None
) -> None:
    assert explain.abstention(replace(PATIENT, adherence=adherence)) == expected


def test_without_a_drug_there_is_no_log_to_miss() -> None:
    assert explain.abstention(replace(PATIENT, regimen=(), adherence=None)) is None


def test_an_open_flag_keeps_it_out_until_somebody_has_looked() -> None:
    flagged = replace(PATIENT, irregular_rhythm_flag_at=NOW - timedelta(days=2))
    for patient in (replace(PATIENT, open_alarm=True), replace(PATIENT, halted=True), flagged):
        assert explain.abstention(patient) == "flag_open"
    checked = replace(flagged, rhythm_checked_manually_at=NOW - timedelta(days=1))
    assert explain.abstention(checked) is None


def test_advice_on_timing_is_no_change_unless_doses_are_missed() -> None:
    assert explain.timing(PATIENT) == "no_change"
    assert explain.timing(replace(PATIENT, adherence=Adherence(22, 28))) == "with_a_daily_habit"


def test_codes_carry_the_whole_explanation_in_whole_numbers() -> None:
    moves, posterior = ranked()
    found = explain.codes(moves, posterior, PATIENT)
    best = dict(zip(moves, found, strict=True))[moves[0]]
    level = [code for code in best if code.startswith("level_tenths:")]
    tenths = sum(int(code.rsplit(":", 1)[1]) for code in level)
    # Each part is rounded by itself: half a tenth each.
    assert tenths == pytest.approx(10 * moves[0].level.mean_mmhg, abs=0.5 * len(level))
    assert "timing:no_change" in best
    assert sum("pareto_front" in codes for codes in found) >= 1
    [keep] = [codes for v, codes in zip(moves, found, strict=True) if v.move == KEEP]
    assert any(code.startswith("rung_up:amlodipine:") for code in keep)
    for codes in found[1:]:
        assert sum(code.startswith("behind_thousandths:") for code in codes) == len(explain.TERMS)
