"""Rules of the input and the person: what cannot be right, and who may be advised at all."""

from services.clinical.envelope import Stage
from services.clinical.facts import DRUGS, STAGES
from services.clinical.logic import Flag, Number, some
from services.clinical.rule import Direction, Rule
from services.clinical.verdict import FindingKind, Strength
from services.clinical.vocabulary import (
    RAISES,
    after,
    before,
    decided,
    drug_raised,
    off_ladder,
    rungs_raised,
    stage,
)

_REFUSE, _HOLD, _HARD = FindingKind.REFUSE, FindingKind.HOLD, Strength.HARD
_CHANGE, _RAISE = Direction.CHANGE, Direction.RAISE

# A proposal outlives the review ladder (72 h + 24 h) by a little and then is no longer true.
PROPOSAL_MAX_AGE_DAYS = 7
# Source: CLINICAL §4 whom a rule binds; §7 candidate moves.
MAX_RUNGS = 2

# One daily dose before and one after, of the same drug, one of them no rung of its ladder.
_AFTER_OFF_LADDER = some(
    *(off_ladder(d, after(d)) & (drug_raised(d) | (after(d) < before(d))) for d in DRUGS)
)
_BEFORE_OFF_LADDER = some(*(off_ladder(d, before(d)) & drug_raised(d) for d in DRUGS))
_WITHOUT_SIGNED_DECREASE = RAISES | ~decided

INPUT_RULES: tuple[Rule, ...] = (
    Rule("deceased", _REFUSE, _HARD, _CHANGE, Flag("deceased"),
         "CLINICAL §4 further block rows", "The patient has died.", explains_keep=True),
    Rule("wrong_patient", _REFUSE, _HARD, _CHANGE, Flag("wrong_patient"),
         "input check", "The proposal and the record belong to different patients."),
    Rule("malformed_move", _REFUSE, _HARD, _CHANGE, Flag("malformed"),
         "input check", "The changes are not what this kind of step allows."),
    Rule("stale_regimen", _REFUSE, _HARD, _CHANGE, Flag("mismatch"),
         "input check", "The regimen is no longer the one the step was made for."),
    Rule("off_ladder", _REFUSE, _HARD, _CHANGE, _AFTER_OFF_LADDER,
         "CLINICAL §3: what is not a rung is off the ladder",
         "The new dose is not a rung of the drug's ladder."),
    Rule("current_off_ladder", _REFUSE, _HARD, _RAISE, _BEFORE_OFF_LADDER,
         "CLINICAL §3", "The present dose is no rung of the ladder, so no step up exists."),
    Rule("conflicting_regimen", _REFUSE, _HARD, _RAISE, Flag("regimen_conflict"),
         "input check", "The same drug stands in the regimen twice.", explains_keep=True),
    Rule("snapshot_inconsistent", _REFUSE, _HARD, _RAISE, Flag("snapshot_inconsistent"),
         "input check", "The record is older than its own readings or lies in the future.",
         explains_keep=True),
    Rule("step_too_large", _REFUSE, _HARD, _RAISE, rungs_raised > MAX_RUNGS,
         "CLINICAL §4 whom a rule binds: two rungs in total",
         "The step is larger than two rungs in total."),
    Rule("swap_stronger", _REFUSE, _HARD, _RAISE, Flag("swap_stronger"),
         "[D] a swap replaces, it does not intensify",
         "A swap may not be stronger than the drug it replaces."),
    Rule("halted", _REFUSE, _HARD, _CHANGE, Flag("halted") & _WITHOUT_SIGNED_DECREASE,
         "EU AI Act art. 14: stop", "All recommendations for this patient are stopped.",
         explains_keep=True),
    Rule("no_consent", _REFUSE, _HARD, _CHANGE, ~Flag("consented") & _WITHOUT_SIGNED_DECREASE,
         "CLINICAL §4 further block rows: no consent, observe only",
         "The patient has not agreed to advice about doses.", explains_keep=True),
    Rule("observe_only", _HOLD, _HARD, _CHANGE,
         stage.equals(STAGES.index(Stage.OBSERVE)) & ~decided,
         "earned autonomy, first stage", "The plan is to observe only, for now.",
         explains_keep=True),
    Rule("proposal_expired", _HOLD, _HARD, _RAISE,
         Number("proposal_age_days") > PROPOSAL_MAX_AGE_DAYS,
         "review ladder 72 h + 24 h [D]", "The proposal is too old to act on."),
)  # fmt: skip
