"""Why this move, why not the next one, what one rung more would do, when it could be known.

Nothing is fitted to the model afterwards: its level is a sum over drugs and its score a sum over
five terms, so that the parts given here add up to it exactly. Codes carry numbers; the doors make
sentences of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models import choice, dosage
from models.choice import Valued
from models.dosage import DosesUg, Posterior
from services.clinical.formulary import Drug
from services.clinical.moves import MoveKind
from services.clinical.patient import Prescription, Snapshot

# Above this share of the log missing, what was taken is a guess. Source: MODEL design [A].
MOST_LOG_MISSING: Final = 0.30
# Advice on when to take a tablet is for remembering it, never for its effect: evening against
# morning made no difference, HR 0.95 (0.83-1.10). Source: TIME, Lancet 2022 [S]; limit [A].
HABIT_BELOW: Final = 0.80
TERMS: Final = ("in_target", "symptoms", "excess", "change", "line")


@dataclass(frozen=True, slots=True)
class Part:
    """One summand of the expected home mean in mmHg.

    `source` is "literature", "own_readings" (what this patient's cuff says beyond it) or "network"
    (its bounded shift of the level); `drug` is None for the level without any drug.
    """

    source: str
    drug: Drug | None
    mmhg: float


@dataclass(frozen=True, slots=True)
class RungUp:
    """What one rung more of a drug would do, read off the same enumeration."""

    drug: Drug
    change_mmhg: float
    symptoms: float
    """Probability (0..1) of a symptom over placebo with it."""
    days_to_know: int | None


def level_parts(
    posterior: Posterior, doses_ug: DosesUg, *, uncorrected: Posterior | None = None
) -> tuple[Part, ...]:
    """Return the summands of `dosage.forecast(posterior, doses_ug).mean_mmhg`.

    `uncorrected` is the filter's posterior where `posterior` has a network's shift in it.
    """
    filtered = posterior if uncorrected is None else uncorrected
    literature = dosage.prior_mean()
    sources = {"literature": literature, "own_readings": filtered.mean - literature}
    states = {source: state.tolist() for source, state in sources.items()}
    shift = float(posterior.mean[0] - filtered.mean[0])
    return (
        *(Part(source, None, state[0]) for source, state in states.items()),
        *(() if uncorrected is None else (Part("network", None, shift),)),
        *(
            Part(source, drug, coefficient * state[place])
            for drug, (place, coefficient) in _coefficients(posterior, doses_ug).items()
            for source, state in states.items()
        ),
    )


def change_by_drug(
    posterior: Posterior, before_ug: DosesUg, after_ug: DosesUg
) -> dict[Drug, float]:
    """Return the expected change of the home mean by drug, mmHg; they add up to the whole.

    A drug whose own dose stays may have a part: with a second class each counts nine tenths.
    """
    before, after = (_falls(posterior, doses) for doses in (before_ug, after_ug))
    return _difference(before, after, {**before_ug, **after_ug})


def score_parts(valued: Valued) -> dict[str, float]:
    """Return the five summands of a move's score by name, in the order of `TERMS`."""
    return dict(
        zip(
            TERMS,
            (
                valued.in_target,
                -choice.SYMPTOM_WEIGHT * valued.symptoms,
                -choice.EXCESS_WEIGHT * valued.excess_mmhg,
                -choice.CHANGE_WEIGHT * len(valued.move.changes),
                -choice.LINE_WEIGHT * valued.lines_skipped,
            ),
            strict=True,
        )
    )


def advantage(ours: Valued, theirs: Valued) -> dict[str, float]:
    """Return by how much each term favours one move over another; the sum is the difference."""
    mine, other = score_parts(ours), score_parts(theirs)
    return {term: mine[term] - other[term] for term in TERMS}


def rungs_up(ranked: Sequence[Valued]) -> tuple[RungUp, ...]:
    """Return what the next rung of each drug would do, where that move is among the ranked."""
    ups = (valued for valued in ranked if valued.move.kind is MoveKind.STEP_UP)
    return tuple(
        RungUp(
            v.move.changes[0].drug,
            v.change.mean_mmhg,
            v.symptoms,
            choice.days_to_know(v.change.mean_mmhg),
        )
        for v in sorted(ups, key=lambda v: v.move.move_id)
    )


def pareto_front(ranked: Sequence[Valued], pills: Sequence[int]) -> tuple[bool, ...]:
    """Return which moves no other beats in control, symptoms and tablets a day at once.

    Compared to the percent that is shown. Moves beyond the low-pressure limit are not on the
    front while one within it exists: low pressure is a limit, not something to be traded.
    """
    within = np.array([v.low <= choice.LOW_LIMIT for v in ranked])
    costs = np.array(
        [
            (-round(100 * v.in_target), round(100 * v.symptoms), pill)
            for v, pill in zip(ranked, pills, strict=True)
        ]
    )
    compared = within if within.any() else np.ones(len(ranked), dtype=np.bool_)
    others = costs[compared]
    no_worse = (others[None] <= costs[:, None]).all(-1)
    better = (others[None] < costs[:, None]).any(-1)
    return tuple((compared & ~(no_worse & better).any(1)).tolist())


def tablets_a_day(regimen: tuple[Prescription, ...], doses_ug: DosesUg) -> int:
    """Return how often a tablet is taken a day; a drug not yet ordered counts once."""
    times = {item.drug: item.times_a_day for item in regimen}
    return sum(times.get(drug, 1) for drug, dose_ug in doses_ug.items() if dose_ug > 0)


def abstention(snapshot: Snapshot) -> str | None:
    """Return why no model may rank here whatever it finds, or None."""
    if snapshot.halted or snapshot.open_alarm or _rhythm_unchecked(snapshot):
        return "flag_open"
    if missing_log_share(snapshot) > MOST_LOG_MISSING:
        return "log_incomplete"
    return None


def missing_log_share(snapshot: Snapshot) -> float:
    """Return the share (0..1) of due doses that the log does not show as taken.

    A dose not confirmed is missing: it cannot be told from one not taken. No log at all of an
    ordered drug is all missing; where nothing was due, nothing is.
    """
    if not any(item.paused_since is None for item in snapshot.regimen):
        return 0.0
    if snapshot.adherence is None:
        return 1.0
    return 1.0 - dosage.taken_share(snapshot)


def timing(snapshot: Snapshot) -> str:
    """Return the code of the advice on when to take the tablets; "no_change" unless missed."""
    missed = missing_log_share(snapshot) > 1.0 - HABIT_BELOW
    return "with_a_daily_habit" if missed else "no_change"


def codes(
    ranked: Sequence[Valued],
    posterior: Posterior,
    snapshot: Snapshot,
    *,
    uncorrected: Posterior | None = None,
) -> tuple[tuple[str, ...], ...]:
    """Return the explanation of each move of a ranking (best first) as codes with numbers.

    `change_tenths:DRUG:N` what the move changes by drug; `level_tenths:SOURCE:DRUG:N` the summands
    of the level that the best move leads to; `ahead_thousandths:TERM:N` what the best move has
    over the next one, `behind_thousandths:TERM:N` what another lacks of the best;
    `rung_up:DRUG:TENTHS:SYMPTOM_PERCENT:DAYS` beside KEEP, DAYS being "never" for no change;
    `pareto_front`; `timing:ADVICE` of the best.
    """
    before = dosage.doses_now(snapshot.regimen)
    after = [choice.doses_after(before, valued.move) for valued in ranked]
    front = pareto_front(ranked, [tablets_a_day(snapshot.regimen, doses) for doses in after])
    falls_now = _falls(posterior, before)
    against = _against(ranked)
    found = []
    for place, (valued, doses) in enumerate(zip(ranked, after, strict=True)):
        lines = []
        if valued.move.changes:
            lines += _changes(_difference(falls_now, _falls(posterior, doses), doses))
        lines += against[place]
        if not valued.move.changes:
            lines += [_rung_code(up) for up in rungs_up(ranked)]
        if place == 0:
            lines += _levels(level_parts(posterior, doses, uncorrected=uncorrected))
            lines.append(f"timing:{timing(snapshot)}")
        found.append(tuple([*lines, *(["pareto_front"] if front[place] else [])]))
    return tuple(found)


def _against(ranked: Sequence[Valued]) -> list[list[str]]:
    """Return what the best has over the next, and what each other lacks of the best, by term."""
    scores = [score_parts(valued) for valued in ranked]
    best = scores[0]
    behind = [
        [f"behind_thousandths:{t}:{round(1000 * (terms[t] - best[t]))}" for t in TERMS]
        for terms in scores[1:]
    ]
    ahead = [
        f"ahead_thousandths:{t}:{round(1000 * (best[t] - next_best[t]))}"
        for next_best in scores[1:2]
        for t in TERMS
    ]
    return [ahead, *behind]


def _changes(by_drug: dict[Drug, float]) -> list[str]:
    tenths = {drug: round(10 * change) for drug, change in by_drug.items()}
    return [f"change_tenths:{drug.value}:{n}" for drug, n in tenths.items() if n]


def _levels(parts: tuple[Part, ...]) -> list[str]:
    return [
        f"level_tenths:{part.source}:{'none' if part.drug is None else part.drug.value}:"
        f"{round(10 * part.mmhg)}"
        for part in parts
    ]


def _rung_code(up: RungUp) -> str:
    days = "never" if up.days_to_know is None else str(up.days_to_know)
    figures = f"{round(10 * up.change_mmhg)}:{round(100 * up.symptoms)}:{days}"
    return f"rung_up:{up.drug.value}:{figures}"


def _difference(
    before: dict[Drug, float], after: dict[Drug, float], drugs: DosesUg
) -> dict[Drug, float]:
    return {drug: after.get(drug, 0.0) - before.get(drug, 0.0) for drug in drugs}


def _falls(posterior: Posterior, doses_ug: DosesUg) -> dict[Drug, float]:
    """Return what each drug with a dose adds to the level in mmHg, below zero for a fall."""
    state = posterior.mean.tolist()
    found = _coefficients(posterior, doses_ug)
    return {drug: coefficient * state[place] for drug, (place, coefficient) in found.items()}


def _coefficients(posterior: Posterior, doses_ug: DosesUg) -> dict[Drug, tuple[int, float]]:
    """Return where each drug's sensitivity stands in the state, and its part of the forecast's row.

    Two drugs of one class share its fall by their standard doses.
    """
    exposure = dosage.standard_doses(doses_ug)
    effect = dosage.effect_of(exposure, posterior.taken_share)
    whole = dosage.row_of(effect, float(posterior.mean[0]))
    found = {}
    for drug, dose_ug in doses_ug.items():
        place = dosage.CLASS_PLACE[drug]
        if dose_ug > 0:
            share = dose_ug / dosage.STANDARD_UG[drug] / exposure[place]
            found[drug] = (1 + place, whole[1 + place] * share)
    return found


def _rhythm_unchecked(snapshot: Snapshot) -> bool:
    flagged, checked = snapshot.irregular_rhythm_flag_at, snapshot.rhythm_checked_manually_at
    return flagged is not None and (checked is None or flagged > checked)
