"""Rules of the laboratory: potassium, sodium, kidney; values, ages, what is awaited, trends."""

from services.clinical.formulary import Drug
from services.clinical.logic import Flag
from services.clinical.patient import Condition
from services.clinical.rule import Rule, ask, hold, need, refuse
from services.clinical.vocabulary import (
    DIURETICS,
    KIDNEY_ACTIVE,
    MRA,
    POTASSIUM_RAISING,
    RAS,
    THIAZIDE,
    after,
    creatinine,
    creatinine_rise,
    drug_raised,
    egfr,
    egfr_age,
    egfr_fall,
    female,
    has,
    potassium,
    potassium_age,
    raised,
    resumes,
    sodium,
    sodium_age,
)

# Source: 3-6 monthly on a RAS blocker or MRA, else at least yearly [AHA25 p15, S].
LAB_MAX_AGE_DAYS = 183
_CCJM = "CCJM [V]"
_MISSING = "CLINICAL §4: required labs missing, old or pending block"
_NEEDS_POTASSIUM = (*POTASSIUM_RAISING, THIAZIDE)

POTASSIUM_RULES: tuple[Rule, ...] = (
    refuse("potassium_above_5_5", (potassium > 5500) & raised(*POTASSIUM_RAISING),
           "CCJM [V]; eplerenone label [V]",
           "Potassium above 5.5: no ACE inhibitor, ARB or MRA is raised.", hard=True),
    hold("potassium_high", (potassium >= 5000) & raised(*POTASSIUM_RAISING), _CCJM,
         "Potassium is not below 5.0: reduce it and recheck in 10-14 days."),
    ask("potassium_mra", (potassium >= 4500) & raised(MRA), "ESC/ISH [S]",
        "Potassium of 4.5 or more before an MRA."),
    need("need_potassium", "potassium", potassium.unknown & raised(*POTASSIUM_RAISING), _MISSING,
         "Potassium is needed before this class.", hard=True),
    need("need_potassium_thiazide", "potassium", potassium.unknown & raised(THIAZIDE), _MISSING,
         "Potassium is needed before a thiazide."),
    need("potassium_old", "potassium",
         (potassium_age > LAB_MAX_AGE_DAYS) & raised(*_NEEDS_POTASSIUM), "AHA25 p15 [S]",
         "The last potassium is too old."),
    need("potassium_pending", "potassium",
         Flag("potassium_pending") & raised(*_NEEDS_POTASSIUM), _MISSING,
         "A potassium result is awaited."),
    refuse("potassium_below_3", (potassium < 3000) & raised(THIAZIDE), "CLINICAL §4 [K]",
           "Potassium below 3.0: urgent, and no thiazide."),
    hold("potassium_low", (potassium < 3500) & raised(THIAZIDE), "CLINICAL §4 [K]",
         "Potassium below 3.5: no thiazide increase."),
)  # fmt: skip

SODIUM_RULES: tuple[Rule, ...] = (
    refuse("sodium_below_130", (sodium < 130_000) & raised(THIAZIDE), "definition [V], action [K]",
           "Sodium below 130: stop or never start a thiazide."),
    hold("sodium_low", (sodium < 135_000) & raised(THIAZIDE), "CLINICAL §4 [K]",
         "Sodium below 135: no thiazide increase."),
    need("need_sodium", "sodium", sodium.unknown & raised(THIAZIDE), _MISSING,
         "Sodium is needed before a thiazide."),
    need("sodium_old", "sodium", (sodium_age > LAB_MAX_AGE_DAYS) & raised(THIAZIDE),
         "AHA25 p15 [S]", "The last sodium is too old."),
    need("sodium_pending", "sodium", Flag("sodium_pending") & raised(THIAZIDE), _MISSING,
         "A sodium result is awaited."),
)  # fmt: skip

_EPLERENONE = drug_raised(Drug.EPLERENONE)
_LABEL = "eplerenone label [V]"

RENAL_RULES: tuple[Rule, ...] = (
    need("need_egfr", "egfr", egfr.unknown, "AHA25 p44, p51: metabolic panel at baseline [S]",
         "Kidney function has never been measured."),
    need("egfr_old", "egfr", (egfr_age > LAB_MAX_AGE_DAYS) & raised(*KIDNEY_ACTIVE),
         "AHA25 p15 [S]", "The last kidney function is too old."),
    need("renal_pending", "egfr", Flag("renal_pending") & raised(*KIDNEY_ACTIVE), _MISSING,
         "A kidney result is awaited."),
    need("renal_check_due", "egfr", Flag("renal_check_due") & raised(*KIDNEY_ACTIVE),
         "AHA25 p44-45, p51: 2-4 weeks [S]; CCJM 10-14 d [V]",
         "Potassium and kidney function are due after the last change."),
    need("need_renal_response", "egfr",
         Flag("ras_raised") & (egfr_fall.unknown | creatinine_rise.unknown)
         & raised(*KIDNEY_ACTIVE),
         "AHA25 p45 [S]",
         "Kidney function before and after the last increase of this class is needed."),
    hold("renal_dip", ((egfr_fall > 250) | (creatinine_rise > 300)) & raised(*KIDNEY_ACTIVE),
         "AHA25 p45 [S]; CCJM [V]: repeat in 10-14 days",
         "Kidney function fell by more than a quarter: repeat before any increase."),
    refuse("renal_fall", ((egfr_fall > 300) | (creatinine_rise > 429)) & raised(*RAS, *DIURETICS),
           "AHA25 p45 [S]: eGFR -30 % is creatinine +43 % [D]",
           "Kidney function fell by more than 30 %: hold this class."),
    ask("egfr_below_30", egfr < 30_000, "CLINICAL §4: <30 hard",
        "eGFR below 30: treatment belongs to the clinician."),
    refuse("mra_egfr", (egfr < 45_000) & raised(MRA), "AHA25 p63 [V]", "eGFR below 45: no MRA."),
    refuse("eplerenone_egfr", (egfr < 50_000) & _EPLERENONE, _LABEL,
           "eGFR below 50: no eplerenone for blood pressure."),
    refuse("eplerenone_creatinine",
           ((creatinine > 2000) | (~female.equals(0) & (creatinine > 1800))) & _EPLERENONE, _LABEL,
           "Creatinine too high for eplerenone."),
    need("need_creatinine", "creatinine", creatinine.unknown & _EPLERENONE, _LABEL,
         "Creatinine is needed before eplerenone."),
    refuse("eplerenone_diabetes",
           has(Condition.DIABETES_TYPE_2) & has(Condition.ALBUMINURIA) & _EPLERENONE, _LABEL,
           "Type 2 diabetes with albuminuria: no eplerenone for blood pressure."),
    refuse("perindopril_kidney",
           ((egfr < 60_000) & drug_raised(Drug.PERINDOPRIL) & (after(Drug.PERINDOPRIL) > 8000))
           | ((egfr < 30_000) & drug_raised(Drug.PERINDOPRIL)), "perindopril label [S]",
           "Kidney function allows no such dose of perindopril."),
)  # fmt: skip

# What was paused on a sick day comes back on labs taken since. "Restart when rehydrated; recheck
# labs" does not say which comes first: the stricter reading is that the labs do.
_RESUMES = "CCJM sick-day rule [V]: recheck labs; before the restart is the stricter reading [D]"

RESUME_RULES: tuple[Rule, ...] = (
    need("resume_potassium", "potassium",
         resumes & ~Flag("potassium_since_pause") & raised(*KIDNEY_ACTIVE), _RESUMES,
         "Potassium is needed, taken since the sick day, before what was paused is taken again."),
    need("resume_egfr", "egfr",
         resumes & ~Flag("egfr_since_pause") & raised(*KIDNEY_ACTIVE), _RESUMES,
         "Kidney function is needed, taken since the sick day, before what was paused is taken "
         "again."),
    need("resume_sodium", "sodium",
         resumes & ~Flag("sodium_since_pause") & raised(THIAZIDE), _RESUMES,
         "Sodium is needed, taken since the sick day, before a thiazide is taken again."),
)  # fmt: skip

LAB_RULES: tuple[Rule, ...] = POTASSIUM_RULES + SODIUM_RULES + RENAL_RULES + RESUME_RULES
