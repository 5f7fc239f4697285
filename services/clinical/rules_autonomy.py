"""Rules that end the patient-alone path: the envelope, its stages, and who is excluded."""

from services.clinical.envelope import Stage, StopCondition
from services.clinical.facts import STAGES
from services.clinical.formulary import FORMULARY
from services.clinical.logic import Condition as Truth
from services.clinical.logic import Flag, Number, Option, some
from services.clinical.patient import Condition, OtherMedicineKind, Symptom
from services.clinical.rule import Direction, Rule, own
from services.clinical.vocabulary import (
    ANY_SYMPTOM,
    STARTS,
    TITRATES,
    after,
    age,
    certainty_percent,
    days_since_change,
    drug_count,
    drug_raised,
    egfr,
    egfr_age,
    envelope_steps,
    has,
    lowest_systolic,
    pauses,
    potassium,
    potassium_age,
    resumes,
    rungs_lowered,
    rungs_raised,
    stage,
    steps_used,
    stops_on,
    symptom,
    takes,
    typed_readings,
)

_CHANGE = Direction.CHANGE
_PLAN = "TASMIN-SR, TASMINH2 plans [V]; 1 step per 28 d, 2 per plan, 3 at most, 6 months [D]"
_EXCLUDED = "union of trial exclusions [V] and caution [K]"
_EARNED = "earned autonomy [D]"

# What no signature can loosen, and what one signature alone may set. Source: CLINICAL §4, §5.
HARD_INTERVAL_DAYS, DEFAULT_INTERVAL_DAYS = 14, 28
HARD_STEPS, DEFAULT_STEPS = 3, 2
HARD_EGFR, DEFAULT_EGFR = 30_000, 50_000
HARD_POTASSIUM_BELOW = 5_000
HARD_LAB_AGE_DAYS = 183
HARD_PLAN_DAYS = 184
DEFAULT_CERTAINTY_PERCENT = 50
MIN_SUPPLY_DAYS = 14
# Any reading under this ends the plan's increases; a step down is still the plan's. [D]
STOP_LOW_SYSTOLIC = 110
DRUGS_WITHOUT_AUTONOMY = 3
AGE_WITHOUT_SIGNATURE = 80

_interval = Option("envelope_interval_days")
_rungs = Option("envelope_rungs")
_potassium_below = Option("envelope_potassium_below")
_egfr_at_least = Option("envelope_egfr_at_least")
_lab_age = Option("envelope_lab_age_days")
_certainty = Option("envelope_certainty")
_plan_days = Option("envelope_days")
_STEPS = ~pauses & ~resumes

_BEYOND_HARD = some(
    _interval < HARD_INTERVAL_DAYS,
    envelope_steps > HARD_STEPS,
    _rungs > 1,
    _potassium_below > HARD_POTASSIUM_BELOW,
    _egfr_at_least < HARD_EGFR,
    _lab_age > HARD_LAB_AGE_DAYS,
    _plan_days > HARD_PLAN_DAYS,
)
_LOOSER_THAN_DEFAULT = some(
    _interval < DEFAULT_INTERVAL_DAYS,
    envelope_steps > DEFAULT_STEPS,
    _egfr_at_least < DEFAULT_EGFR,
    _certainty < DEFAULT_CERTAINTY_PERCENT,
)
_ON_CLINICIAN_RUNG = some(
    *(
        drug_raised(drug) & (after(drug) >= int(entry.clinician_only_rungs_ug[0]))
        for drug, entry in FORMULARY.items()
        if entry.clinician_only_rungs_ug
    )
)

ENVELOPE_RULES: tuple[Rule, ...] = (
    own("no_envelope", ~Flag("envelope_present"), _PLAN,
        "No plan lets the patient change a dose alone.", direction=_CHANGE),
    own("envelope_unsigned", Flag("envelope_present") & ~Flag("envelope_signed"), _PLAN,
        "The plan is not signed.", direction=_CHANGE),
    own("envelope_revoked", Flag("envelope_revoked"), _PLAN, "The plan was revoked.",
        direction=_CHANGE),
    own("envelope_not_started", Flag("envelope_present") & ~Flag("envelope_started"), _PLAN,
        "The plan has not begun.", direction=_CHANGE),
    own("envelope_expired", Flag("envelope_expired"), _PLAN, "The plan has expired.",
        direction=_CHANGE),
    own("envelope_of_other", Flag("envelope_of_other"), "input check",
        "The plan belongs to another patient.", direction=_CHANGE),
    own("envelope_beyond_limits", _BEYOND_HARD, _PLAN, "The plan goes beyond the hard limits.",
        direction=_CHANGE),
    own("envelope_needs_second", _LOOSER_THAN_DEFAULT & ~Flag("envelope_second_signature"), _PLAN,
        "The plan is looser than the default and lacks a second signature.", direction=_CHANGE),
    own("stage_proposes_only",
        stage < STAGES.index(Stage.ONE_STEP), _EARNED,
        "At this stage every step goes to the clinician.", direction=_CHANGE),
    own("one_step_used",
        stage.equals(STAGES.index(Stage.ONE_STEP)) & (steps_used >= 1) & _STEPS, _EARNED,
        "The one step of this stage has been taken and waits for its review."),
    own("steps_used_up", ((steps_used >= envelope_steps) | (steps_used >= HARD_STEPS)) & _STEPS,
        _PLAN, "All steps of the plan have been taken."),
    own("outside_bounds", Flag("outside_bounds") & _STEPS, _PLAN,
        "The dose lies outside the plan.", direction=_CHANGE),
    own("more_than_one_rung",
        ((rungs_raised > 1) | (rungs_lowered > 1) | (Number("drugs_changed") > 1)) & _STEPS,
        "CLINICAL §4: one rung of one drug", "The patient's step is one rung of one drug.",
        direction=_CHANGE),
    own("clinician_only_rung", _ON_CLINICIAN_RUNG, "CLINICAL §3, rungs in brackets",
        "Only a clinician orders this dose."),
    own("patient_start", (STARTS >= 1) & ~resumes, "[D] a first tablet needs a prescription",
        "A new drug is started by a clinician."),
    own("envelope_interval", TITRATES & ((days_since_change < _interval)
        | (days_since_change < HARD_INTERVAL_DAYS)), _PLAN,
        "The plan's time between steps has not passed."),
    own("envelope_target_differs", Flag("envelope_target_differs"), "CLINICAL §7.2",
        "The plan was signed for another goal."),
    own("model_unsure", (certainty_percent < _certainty) | certainty_percent.unknown,
        "confidence floor [D]", "The ranking is not certain enough for a step alone."),
    own("model_abstained", Flag("abstained"), "CLINICAL: the model may veto",
        "The ranking gives no opinion."),
    own("pause_without_sick_day", pauses & ~symptom(Symptom.VOMITING_OR_DIARRHOEA), "CCJM [V]",
        "A pause alone is for vomiting or diarrhoea.", direction=_CHANGE),
    own("no_supply", Option("supply_days").unknown | (Option("supply_days") < MIN_SUPPLY_DAYS),
        "CLINICAL §4 further block rows: tablets in hand",
        "The tablets in hand are not enough or not known: a prescription is needed."),
)  # fmt: skip

STOP_RULES: tuple[Rule, ...] = (
    own("stop_symptom", stops_on(StopCondition.SYMPTOM_OPEN) & ANY_SYMPTOM & ~pauses, _PLAN,
        "A symptom is open, which ends the plan.", direction=_CHANGE),
    own("stop_alarm", stops_on(StopCondition.ALARM_OPEN) & Flag("open_alarm"), _PLAN,
        "An alarm is open, which ends the plan.", direction=_CHANGE),
    own("stop_low", stops_on(StopCondition.LOW_PRESSURE) & (lowest_systolic < STOP_LOW_SYSTOLIC),
        _PLAN, "A low pressure ends the plan's increases."),
    own("stop_rhythm", stops_on(StopCondition.IRREGULAR_RHYTHM) & Flag("irregular_rhythm"), _PLAN,
        "An irregular rhythm ends the plan.", direction=_CHANGE),
    own("stop_device", stops_on(StopCondition.DEVICE_CHANGED) & Flag("device_changed"), _PLAN,
        "The monitor was changed, which ends the plan.", direction=_CHANGE),
)  # fmt: skip

LAB_CONDITION_RULES: tuple[Rule, ...] = (
    own("plan_potassium", potassium.unknown | (potassium >= _potassium_below)
        | (potassium >= HARD_POTASSIUM_BELOW), _PLAN,
        "Potassium is unknown or not below the plan's limit."),
    own("plan_egfr", egfr.unknown | (egfr < _egfr_at_least) | (egfr < HARD_EGFR),
        f"eGFR < 50 (CURATE), < 30 hard; {_EXCLUDED}",
        "Kidney function is unknown or below the plan's limit."),
    own("plan_labs_old", (potassium_age > _lab_age) | (egfr_age > _lab_age)
        | (potassium_age > HARD_LAB_AGE_DAYS) | (egfr_age > HARD_LAB_AGE_DAYS), _PLAN,
        "The labs are older than the plan allows."),
)  # fmt: skip

_EXCLUDING: tuple[tuple[str, Truth, str], ...] = (
    ("alone_dementia", has(Condition.DEMENTIA), "Dementia or a failed cognitive screen."),
    ("alone_recent_event", has(Condition.RECENT_CARDIOVASCULAR_EVENT),
     "A cardiovascular event in the last three months."),
    ("alone_specialist", has(Condition.SPECIALIST_MANAGED), "Managed by a specialist."),
    ("alone_secondary", has(Condition.SECONDARY_HYPERTENSION), "Secondary hypertension."),
    ("alone_terminal", has(Condition.TERMINAL_ILLNESS), "Terminal illness."),
    ("alone_dialysis", has(Condition.DIALYSIS), "Dialysis."),
    ("alone_transplant", has(Condition.TRANSPLANT), "Transplant."),
    ("alone_heart_failure",
     has(Condition.HEART_FAILURE) | has(Condition.HEART_FAILURE_DECOMPENSATED), "Heart failure."),
    ("alone_fibrillation", ~Flag("rhythm_confirmed"),
     "Atrial fibrillation without a check of the pulse by hand."),
    ("alone_frailty", has(Condition.FRAILTY), "Moderate or severe frailty."),
    ("alone_age", age.unknown | ((age >= AGE_WITHOUT_SIGNATURE) & ~Flag("envelope_allows_80")),
     "Aged 80 or over, or age not known, without a plan that says so."),
    ("alone_drugs", drug_count >= DRUGS_WITHOUT_AUTONOMY, "Three drugs or more."),
    ("alone_other_medicine",
     takes(OtherMedicineKind.OTHER_ANTIHYPERTENSIVE) | takes(OtherMedicineKind.CLONIDINE)
     | takes(OtherMedicineKind.UNKNOWN),
     "A medicine outside the formulary."),
    ("alone_typed", TITRATES & (typed_readings > 0),
     "Readings were typed, not sent by the monitor."),
)  # fmt: skip

EXCLUSION_RULES: tuple[Rule, ...] = tuple(
    own(rule_id, when, _EXCLUDED, f"Not alone: {sentence[0].lower()}{sentence[1:]}")
    for rule_id, when, sentence in _EXCLUDING
)

AUTONOMY_RULES: tuple[Rule, ...] = (
    ENVELOPE_RULES + STOP_RULES + LAB_CONDITION_RULES + EXCLUSION_RULES
)
