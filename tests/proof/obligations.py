"""What must never be permitted, one row per rule, written anew in z3 terms.

Nothing here imports the rules or their vocabulary: the drugs of a class come from the formulary,
the limits are typed again from their source. Each row is a claim "whenever this is so, the move is
not permitted, even if a clinician has passed every other rule".
"""

import z3

from services.clinical.envelope import StopCondition
from services.clinical.facts import CONDITIONS, DRUG_PLACE, DRUGS, MEDICINES, STOPS, SYMPTOMS
from services.clinical.formulary import DRUGS_BY_CLASS, FORMULARY, Drug, DrugClass
from services.clinical.patient import Condition, OtherMedicineKind, Symptom
from tests.proof.symbols import flag, known, number
from tests.proof.world import (
    after,
    before,
    on_order,
    outside_the_plan,
    raises_any,
    raises_drug,
    raises_of,
    rungs_down,
    rungs_up,
    starts_drug,
    titrates,
)

And, Or, Not = z3.And, z3.Or, z3.Not
ACE, ARB, THIAZIDE = DrugClass.ACE_INHIBITOR, DrugClass.ARB, DrugClass.THIAZIDE
BETA, MRA = DrugClass.BETA_BLOCKER, DrugClass.MRA
C, M, S, D = Condition, OtherMedicineKind, Symptom, Drug


def has(condition: Condition) -> z3.BoolRef:
    return flag("condition", CONDITIONS.index(condition))


def takes(*kinds: OtherMedicineKind) -> z3.BoolRef:
    return Or(*(flag("medicine", MEDICINES.index(kind)) for kind in kinds))


def feels(*symptoms: Symptom) -> z3.BoolRef:
    return Or(*(flag("symptom", SYMPTOMS.index(symptom)) for symptom in symptoms))


def stop(condition: StopCondition) -> z3.BoolRef:
    return flag("stop", STOPS.index(condition))


def below(name: str, limit: int) -> z3.BoolRef:
    return And(known(name), number(name) < limit)


def above(name: str, limit: int) -> z3.BoolRef:
    return And(known(name), number(name) > limit)


def unknown(*names: str) -> z3.BoolRef:
    return Or(*(Not(known(name)) for name in names))


def class_on_order(cls: DrugClass) -> z3.BoolRef:
    return Or(*(on_order(drug) for drug in DRUGS_BY_CLASS[cls]))


def two_on_order(cls: DrugClass) -> z3.BoolRef:
    drugs = DRUGS_BY_CLASS[cls]
    return Or(
        *(
            And(on_order(one), on_order(other))
            for place, one in enumerate(drugs)
            for other in drugs[place + 1 :]
        )
    )


def starts_of(cls: DrugClass) -> z3.BoolRef:
    return Or(*(starts_drug(drug) for drug in DRUGS_BY_CLASS[cls]))


def no_rung(drug: Drug, dose: z3.ArithRef) -> z3.BoolRef:
    return And(dose != 0, *(dose != int(rung) for rung in FORMULARY[drug].ladder_ug))


raised, titrated, alone, decided = raises_any(), titrates(), flag("alone"), flag("decided")
changed = Not(flag("keep"))
steps = And(Not(flag("pauses")), Not(flag("resumes")))
starts = z3.Sum([z3.If(starts_drug(drug), 1, 0) for drug in DRUGS])
potassium_raising = raises_of(ACE, ARB, MRA)
ras, diuretic, thiazide = raises_of(ACE, ARB), raises_of(THIAZIDE, MRA), raises_of(THIAZIDE)
kidney_active = Or(ras, diuretic)
beta, eplerenone = raises_of(BETA), raises_drug(D.EPLERENONE)
pregnant = And(known("pregnancy_risk"), number("pregnancy_risk") == 1)
status_wanted = And(
    Or(unknown("female"), number("female") == 1),
    Or(unknown("age"), And(number("age") >= 12, number("age") <= 55)),
)
standing_wanted = Or(unknown("age"), number("age") >= 65, feels(S.DIZZINESS, S.FALL, S.SYNCOPE))
target_known = Not(unknown("target_systolic", "target_diastolic"))
in_target = And(
    target_known,
    Not(unknown("mean_systolic", "mean_diastolic")),
    number("mean_systolic") < number("target_systolic"),
    number("mean_diastolic") < number("target_diastolic"),
)
clearly_above = Or(
    And(known("lower_systolic"), number("lower_systolic") > number("target_systolic")),
    And(known("lower_diastolic"), number("lower_diastolic") > number("target_diastolic")),
    flag("two_windows"),
)
treated = Or(*(before(drug) > 0 for drug in DRUGS))
stage_2 = Or(
    And(known("mean_systolic"), number("mean_systolic") >= 1350),
    And(known("mean_diastolic"), number("mean_diastolic") >= 850),
)
alone_raise, alone_change = And(alone, raised), And(alone, changed)
present = flag("envelope_present")

OBLIGATIONS: tuple[tuple[str, z3.BoolRef], ...] = (
    # input and person
    ("deceased", And(changed, flag("deceased"))),
    ("wrong_patient", And(changed, flag("wrong_patient"))),
    ("malformed_move", And(changed, flag("malformed"))),
    ("stale_regimen", And(changed, flag("mismatch"))),
    ("off_ladder", And(changed, Or(
        *(And(after(d) != before(d), no_rung(d, after(d))) for d in DRUGS)))),
    ("current_off_ladder", Or(*(And(raises_drug(d), no_rung(d, before(d))) for d in DRUGS))),
    ("conflicting_regimen", And(raised, flag("regimen_conflict"))),
    ("snapshot_inconsistent", And(raised, flag("snapshot_inconsistent"))),
    ("step_too_large", And(raised, number("rungs_raised") >= 3)),
    ("swap_stronger", And(raised, flag("swap_stronger"))),
    ("halted", And(changed, flag("halted"), Or(raised, Not(decided)))),
    ("no_consent", And(changed, Not(flag("consented")), Or(raised, Not(decided)))),
    ("observe_only", And(changed, known("stage"), number("stage") == 0, Not(decided))),
    ("proposal_expired", And(raised, number("proposal_age_days") >= 8)),
    # pregnancy and lists
    ("pregnancy", And(pregnant, potassium_raising)),
    ("need_pregnancy_status", And(status_wanted, unknown("pregnancy_risk"), potassium_raising)),
    ("pregnancy_care", And(pregnant, raised)),
    ("pregnancy_status_unknown", And(status_wanted, unknown("pregnancy_risk"), raised)),
    ("need_conditions", And(raised, Not(flag("conditions_known")))),
    ("need_medicines", And(raised, Not(flag("medicines_known")))),
    ("need_intolerances", And(raised, Not(flag("intolerances_known")))),
    # classes
    ("ace_with_arb", And(raised, class_on_order(ACE), class_on_order(ARB))),
    ("ras_with_aliskiren", And(takes(M.ALISKIREN), ras)),
    ("ras_with_arni", And(takes(M.ARNI), ras)),
    ("two_of_a_class", And(raised, Or(*(two_on_order(cls) for cls in DrugClass)))),
    ("angioedema_ace", And(has(C.ANGIOEDEMA), raises_of(ACE))),
    ("angioedema_arb", And(has(C.ANGIOEDEMA), raises_of(ARB))),
    ("renal_artery_stenosis", And(has(C.RENAL_ARTERY_STENOSIS), ras)),
    ("intolerance", Or(*(And(raises_drug(d), flag("intolerant", DRUG_PLACE[d])) for d in DRUGS))),
    ("gout_thiazide", And(has(C.GOUT), thiazide)),
    ("sick_day", And(raised, feels(S.VOMITING_OR_DIARRHOEA))),
    ("surgery_ras", And(has(C.PLANNED_SURGERY), ras)),
    ("resistant", And(raised, starts >= 1, number("drug_count") >= 3)),
    # other medicines
    ("nsaid_triple", And(takes(M.NSAID), kidney_active,
        Or(class_on_order(THIAZIDE), class_on_order(MRA)),
        Or(class_on_order(ACE), class_on_order(ARB)))),
    ("lithium", And(takes(M.LITHIUM), kidney_active)),
    ("trimethoprim", And(takes(M.TRIMETHOPRIM), potassium_raising)),
    ("potassium_supplement_ras", And(takes(M.POTASSIUM_SUPPLEMENT), ras)),
    ("mra_with_potassium",
        And(takes(M.POTASSIUM_SUPPLEMENT, M.POTASSIUM_SPARING), raises_of(MRA))),
    ("simvastatin_amlodipine", And(takes(M.SIMVASTATIN_OVER_20_MG), raises_drug(D.AMLODIPINE))),
    ("eplerenone_strong_inhibitor", And(takes(M.STRONG_CYP3A4_INHIBITOR), eplerenone)),
    ("eplerenone_moderate_inhibitor",
        And(takes(M.MODERATE_CYP3A4_INHIBITOR), eplerenone, after(D.EPLERENONE) >= 25_001)),
    ("beta_blocker_verapamil", And(takes(M.VERAPAMIL_OR_DILTIAZEM), beta)),
    ("other_antihypertensive", And(raised, starts >= 1,
        takes(M.OTHER_ANTIHYPERTENSIVE, M.CLONIDINE, M.UNKNOWN))),
    # beta-blockers
    ("beta_blocker_av_block", And(has(C.AV_BLOCK_2_3), Not(has(C.PACEMAKER)), beta)),
    ("beta_blocker_sick_sinus", And(has(C.SICK_SINUS), Not(has(C.PACEMAKER)), beta)),
    ("beta_blocker_airways", And(has(C.SEVERE_ASTHMA_OR_COPD), beta)),
    ("beta_blocker_decompensated", And(has(C.HEART_FAILURE_DECOMPENSATED), beta)),
    ("carvedilol_asthma", And(Or(has(C.ASTHMA), has(C.SEVERE_ASTHMA_OR_COPD)),
        raises_drug(D.CARVEDILOL))),
    ("carvedilol_liver", And(has(C.SEVERE_HEPATIC_IMPAIRMENT), raises_drug(D.CARVEDILOL))),
    ("beta_blocker_slow_start", And(starts_of(BETA), below("heart_rate", 60))),
    ("beta_blocker_low_start", And(starts_of(BETA), below("lowest_systolic", 100))),
    ("beta_blocker_slow", And(beta, below("heart_rate", 55))),
    ("need_heart_rate", And(beta, unknown("heart_rate"))),
    ("beta_blocker_taper", And(changed, Or(
        *(And(after(d) == 0, before(d) > int(FORMULARY[d].rungs_ug[0]))
          for d in DRUGS_BY_CLASS[BETA])))),
    # laboratory
    ("potassium_above_5_5", And(potassium_raising, above("potassium", 5500))),
    ("potassium_high", And(potassium_raising, above("potassium", 4999))),
    ("potassium_mra", And(raises_of(MRA), above("potassium", 4499))),
    ("need_potassium", And(potassium_raising, unknown("potassium"))),
    ("need_potassium_thiazide", And(thiazide, unknown("potassium"))),
    ("potassium_old", And(Or(potassium_raising, thiazide), above("potassium_age", 183))),
    ("potassium_pending", And(Or(potassium_raising, thiazide), flag("potassium_pending"))),
    ("potassium_below_3", And(thiazide, below("potassium", 3000))),
    ("potassium_low", And(thiazide, below("potassium", 3500))),
    ("sodium_below_130", And(thiazide, below("sodium", 130_000))),
    ("sodium_low", And(thiazide, below("sodium", 135_000))),
    ("need_sodium", And(thiazide, unknown("sodium"))),
    ("sodium_old", And(thiazide, above("sodium_age", 183))),
    ("sodium_pending", And(thiazide, flag("sodium_pending"))),
    ("need_egfr", And(raised, unknown("egfr"))),
    ("egfr_old", And(kidney_active, above("egfr_age", 183))),
    ("renal_pending", And(kidney_active, flag("renal_pending"))),
    ("renal_check_due", And(kidney_active, flag("renal_check_due"))),
    ("need_renal_response",
        And(kidney_active, flag("ras_raised"), unknown("egfr_fall", "creatinine_rise"))),
    ("renal_dip", And(kidney_active, Or(above("egfr_fall", 250), above("creatinine_rise", 300)))),
    ("renal_fall", And(kidney_active, Or(above("egfr_fall", 300), above("creatinine_rise", 429)))),
    ("egfr_below_30", And(raised, below("egfr", 30_000))),
    ("mra_egfr", And(raises_of(MRA), below("egfr", 45_000))),
    ("eplerenone_egfr", And(eplerenone, below("egfr", 50_000))),
    ("eplerenone_creatinine", And(eplerenone, Or(above("creatinine", 2000), And(
        above("creatinine", 1800), Or(unknown("female"), number("female") != 0))))),
    ("need_creatinine", And(eplerenone, unknown("creatinine"))),
    ("eplerenone_diabetes", And(eplerenone, has(C.DIABETES_TYPE_2), has(C.ALBUMINURIA))),
    ("perindopril_kidney", And(raises_drug(D.PERINDOPRIL), Or(below("egfr", 30_000),
        And(below("egfr", 60_000), after(D.PERINDOPRIL) >= 8001)))),
    # what was paused on a sick day
    ("resume_potassium",
        And(flag("resumes"), kidney_active, Not(flag("potassium_since_pause")))),
    ("resume_egfr", And(flag("resumes"), kidney_active, Not(flag("egfr_since_pause")))),
    ("resume_sodium", And(flag("resumes"), thiazide, Not(flag("sodium_since_pause")))),
    # pressure, time, adherence
    ("crisis", And(raised, flag("crisis_recent"))),
    ("open_alarm", And(raised, flag("open_alarm"))),
    ("low", And(titrated, Or(below("mean_systolic", 1100), below("mean_diastolic", 650)))),
    ("recent_low", And(raised, below("lowest_systolic", 100))),
    ("need_recent_reading", And(raised, unknown("lowest_systolic"))),
    ("unsteady", And(raised, feels(S.DIZZINESS, S.FALL, S.SYNCOPE))),
    ("orthostatic", And(raised, Or(above("standing_drop_systolic", 19),
        above("standing_drop_diastolic", 9), below("standing_systolic", 90)))),
    ("need_standing", And(raised, standing_wanted,
        unknown("standing_drop_systolic", "standing_drop_diastolic", "standing_systolic"))),
    ("irregular_rhythm", And(titrated, flag("irregular_rhythm"))),
    ("too_soon_floor", And(titrated, number("days_since_change") <= 13)),
    ("too_soon_slow_drug", And(titrated, number("days_since_slow_change") <= 27)),
    ("too_soon", And(titrated, number("days_since_change") <= 27)),
    ("need_readings", And(titrated, Not(flag("average_known")))),
    ("need_target", And(titrated, Not(target_known))),
    ("in_target", And(titrated, in_target)),
    ("within_noise", And(titrated, flag("average_known"), target_known, Not(in_target),
        Not(clearly_above))),
    ("need_adherence", And(titrated, treated, unknown("adherence_percent"))),
    ("adherence_talk", And(titrated, treated, below("adherence_percent", 80))),
    ("two_starts", And(titrated, starts >= 2, Not(stage_2))),
    # the plan
    ("no_envelope", And(alone_change, Not(present))),
    ("envelope_unsigned", And(alone_change, present, Not(flag("envelope_signed")))),
    ("envelope_revoked", And(alone_change, flag("envelope_revoked"))),
    ("envelope_not_started", And(alone_change, present, Not(flag("envelope_started")))),
    ("envelope_expired", And(alone_change, flag("envelope_expired"))),
    ("envelope_of_other", And(alone_change, flag("envelope_of_other"))),
    ("envelope_beyond_limits", And(alone_change, Or(
        below("envelope_interval_days", 14), above("envelope_steps", 3),
        above("envelope_rungs", 1), above("envelope_potassium_below", 5000),
        below("envelope_egfr_at_least", 30_000), above("envelope_lab_age_days", 183),
        above("envelope_days", 184)))),
    ("envelope_needs_second", And(alone_change, Not(flag("envelope_second_signature")), Or(
        below("envelope_interval_days", 28), above("envelope_steps", 2),
        below("envelope_egfr_at_least", 50_000), below("envelope_certainty", 50)))),
    ("stage_proposes_only", And(alone_change, Or(unknown("stage"), number("stage") <= 1))),
    ("one_step_used", And(alone_raise, steps, known("stage"), number("stage") == 2,
        number("steps_used") >= 1)),
    ("steps_used_up", And(alone_raise, steps, Or(number("steps_used") >= 3,
        And(known("envelope_steps"), number("steps_used") >= number("envelope_steps"))))),
    ("outside_bounds", And(alone_change, steps, Or(Not(present), outside_the_plan()))),
    ("more_than_one_rung", And(alone_change, steps, Or(
        z3.Sum([z3.If(after(d) != before(d), 1, 0) for d in DRUGS]) > 1,
        z3.Sum([rungs_up(d) for d in DRUGS]) > 1,
        z3.Sum([rungs_down(d) for d in DRUGS]) > 1))),
    ("clinician_only_rung", And(alone, Or(
        *(And(raises_drug(d), after(d) >= int(FORMULARY[d].clinician_only_rungs_ug[0]))
          for d in DRUGS if FORMULARY[d].clinician_only_rungs_ug)))),
    ("patient_start", And(alone_raise, starts >= 1, Not(flag("resumes")))),
    ("envelope_interval", And(alone, titrated, Or(number("days_since_change") <= 13,
        And(present, number("days_since_change") < number("envelope_interval_days"))))),
    ("envelope_target_differs", And(alone_raise, flag("envelope_target_differs"))),
    ("model_unsure", And(alone_raise, Or(unknown("certainty_percent"), And(
        known("envelope_certainty"),
        number("certainty_percent") < number("envelope_certainty"))))),
    ("model_abstained", And(alone_raise, flag("abstained"))),
    ("pause_without_sick_day",
        And(alone_change, flag("pauses"), Not(feels(S.VOMITING_OR_DIARRHOEA)))),
    ("no_supply", And(alone_raise, Or(unknown("supply_days"), number("supply_days") <= 13))),
    ("stop_symptom", And(alone_change, stop(StopCondition.SYMPTOM_OPEN), feels(*Symptom),
        Not(flag("pauses")))),
    ("stop_alarm", And(alone_change, stop(StopCondition.ALARM_OPEN), flag("open_alarm"))),
    ("stop_low",
        And(alone_raise, stop(StopCondition.LOW_PRESSURE), below("lowest_systolic", 110))),
    ("stop_rhythm",
        And(alone_change, stop(StopCondition.IRREGULAR_RHYTHM), flag("irregular_rhythm"))),
    ("stop_device",
        And(alone_change, stop(StopCondition.DEVICE_CHANGED), flag("device_changed"))),
    ("plan_potassium", And(alone_raise, Or(unknown("potassium"), number("potassium") >= 5000,
        And(present, number("potassium") >= number("envelope_potassium_below"))))),
    ("plan_egfr", And(alone_raise, Or(unknown("egfr"), number("egfr") < 30_000,
        And(present, number("egfr") < number("envelope_egfr_at_least"))))),
    ("plan_labs_old", And(alone_raise, Or(
        above("potassium_age", 183), above("egfr_age", 183), And(present, Or(
            And(known("potassium_age"),
                number("potassium_age") > number("envelope_lab_age_days")),
            And(known("egfr_age"), number("egfr_age") > number("envelope_lab_age_days"))))))),
    ("alone_dementia", And(alone_raise, has(C.DEMENTIA))),
    ("alone_recent_event", And(alone_raise, has(C.RECENT_CARDIOVASCULAR_EVENT))),
    ("alone_specialist", And(alone_raise, has(C.SPECIALIST_MANAGED))),
    ("alone_secondary", And(alone_raise, has(C.SECONDARY_HYPERTENSION))),
    ("alone_terminal", And(alone_raise, has(C.TERMINAL_ILLNESS))),
    ("alone_dialysis", And(alone_raise, has(C.DIALYSIS))),
    ("alone_transplant", And(alone_raise, has(C.TRANSPLANT))),
    ("alone_heart_failure",
        And(alone_raise, Or(has(C.HEART_FAILURE), has(C.HEART_FAILURE_DECOMPENSATED)))),
    ("alone_fibrillation", And(alone_raise, Not(flag("rhythm_confirmed")))),
    ("alone_frailty", And(alone_raise, has(C.FRAILTY))),
    ("alone_age", And(alone_raise, Or(unknown("age"),
        And(number("age") >= 80, Not(flag("envelope_allows_80")))))),
    ("alone_drugs", And(alone_raise, number("drug_count") >= 3)),
    ("alone_other_medicine",
        And(alone_raise, takes(M.OTHER_ANTIHYPERTENSIVE, M.CLONIDINE, M.UNKNOWN))),
    ("alone_typed", And(alone, titrated, above("typed_readings", 0))),
)  # fmt: skip
