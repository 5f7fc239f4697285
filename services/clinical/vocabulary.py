"""The words that the rules are written in: facts as leaves, and truths about a move."""

from services.clinical.envelope import StopCondition
from services.clinical.facts import CONDITIONS, DRUG_PLACE, DRUGS, MEDICINES, STOPS, SYMPTOMS
from services.clinical.formulary import DRUGS_BY_CLASS, FORMULARY, Drug, DrugClass
from services.clinical.logic import Condition as Truth
from services.clinical.logic import Count, Flag, Number, Option, every, some
from services.clinical.patient import Condition, OtherMedicineKind, Symptom
from services.clinical.regimen import DIURETIC_CLASSES, RAS_CLASSES

RAS = tuple(sorted(RAS_CLASSES))
DIURETICS = tuple(sorted(DIURETIC_CLASSES))
ACE, ARB, MRA = DrugClass.ACE_INHIBITOR, DrugClass.ARB, DrugClass.MRA
THIAZIDE, BETA = DrugClass.THIAZIDE, DrugClass.BETA_BLOCKER
POTASSIUM_RAISING = (*RAS, MRA)
KIDNEY_ACTIVE = (*RAS, *DIURETICS)


def before(drug: Drug) -> Number:
    """The daily dose taken now, µg."""
    return Number("before", DRUG_PLACE[drug])


def after(drug: Drug) -> Number:
    """The daily dose taken once the move is made, µg."""
    return Number("after", DRUG_PLACE[drug])


def paused(drug: Drug) -> Flag:
    """On order and not taken once the move is made."""
    return Flag("paused", DRUG_PLACE[drug])


def has(condition: Condition) -> Flag:
    return Flag("condition", CONDITIONS.index(condition))


def takes(kind: OtherMedicineKind) -> Flag:
    return Flag("medicine", MEDICINES.index(kind))


def symptom(which: Symptom) -> Flag:
    return Flag("symptom", SYMPTOMS.index(which))


def stops_on(condition: StopCondition) -> Flag:
    return Flag("stop", STOPS.index(condition))


def intolerant(drug: Drug) -> Flag:
    return Flag("intolerant", DRUG_PLACE[drug])


_RAISED = {drug: after(drug) > before(drug) for drug in DRUGS}
_ON_ORDER = {drug: (after(drug) > 0) | paused(drug) for drug in DRUGS}
_RAISED_CLASS = {cls: some(*(_RAISED[d] for d in DRUGS_BY_CLASS[cls])) for cls in DrugClass}
_ON_ORDER_CLASS = {cls: some(*(_ON_ORDER[d] for d in DRUGS_BY_CLASS[cls])) for cls in DrugClass}


def drug_raised(drug: Drug) -> Truth:
    """The drug's dose rises, from nothing included."""
    return _RAISED[drug]


def raised(*classes: DrugClass) -> Truth:
    """A drug of one of the classes rises."""
    return some(*(_RAISED_CLASS[cls] for cls in classes))


def on_order(*classes: DrugClass) -> Truth:
    """A drug of one of the classes is on order once the move is made, paused or not."""
    return some(*(_ON_ORDER_CLASS[cls] for cls in classes))


def count_on_order(cls: DrugClass) -> Count:
    """How many drugs of the class are on order once the move is made."""
    return Count(tuple(_ON_ORDER[drug] for drug in DRUGS_BY_CLASS[cls]))


def started(*classes: DrugClass) -> Truth:
    """A drug of one of the classes goes from nothing to a dose."""
    return some(
        *(every(before(d).equals(0), _RAISED[d]) for cls in classes for d in DRUGS_BY_CLASS[cls])
    )


def stopped_above_lowest(cls: DrugClass) -> Truth:
    """A drug of the class goes to nothing from above its lowest rung."""
    return some(
        *(
            every(after(d).equals(0), before(d) > int(FORMULARY[d].ladder_ug[0]))
            for d in DRUGS_BY_CLASS[cls]
        )
    )


def off_ladder(drug: Drug, dose: Number) -> Truth:
    """The dose is neither nothing nor a rung of the drug."""
    return every(*(dose.differs(int(rung)) for rung in (0, *FORMULARY[drug].ladder_ug)))


RAISES = some(*(_RAISED_CLASS[cls] for cls in DrugClass))
STARTS = Count(tuple(every(before(d).equals(0), _RAISED[d]) for d in DRUGS))

keep, pauses, resumes = Flag("keep"), Flag("pauses"), Flag("resumes")
alone, decided = Flag("alone"), Flag("decided")
rungs_raised, rungs_lowered = Number("rungs_raised"), Number("rungs_lowered")

CHANGES = ~keep
# More, or other, pressure-lowering treatment than was ordered: not a resumption. The start within a
# swap is bound as any start is; to be rid of a drug that harms, stop it.
TITRATES = RAISES & ~resumes

female, age, pregnancy_risk = Option("female"), Option("age"), Option("pregnancy_risk")
# Source: CLINICAL further block rows; 12-55 inclusive [D]. Unknown sex or age counts as inside.
PREGNANCY_MATTERS = (female.unknown | female.equals(1)) & (
    age.unknown | ((age >= 12) & (age <= 55))
)

potassium, potassium_age = Option("potassium"), Option("potassium_age")
sodium, sodium_age = Option("sodium"), Option("sodium_age")
creatinine = Option("creatinine")
egfr, egfr_age = Option("egfr"), Option("egfr_age")
egfr_fall, creatinine_rise = Option("egfr_fall"), Option("creatinine_rise")

mean_systolic, mean_diastolic = Option("mean_systolic"), Option("mean_diastolic")
lower_systolic, lower_diastolic = Option("lower_systolic"), Option("lower_diastolic")
target_systolic, target_diastolic = Option("target_systolic"), Option("target_diastolic")
lowest_systolic, heart_rate = Option("lowest_systolic"), Option("heart_rate")
adherence_percent = Option("adherence_percent")
standing_drop_systolic = Option("standing_drop_systolic")
standing_drop_diastolic = Option("standing_drop_diastolic")
standing_systolic = Option("standing_systolic")
typed_readings = Option("typed_readings")
days_since_change = Number("days_since_change")
days_since_slow_change = Number("days_since_slow_change")
drug_count = Number("drug_count")

UNSTEADY = some(symptom(Symptom.DIZZINESS), symptom(Symptom.FALL), symptom(Symptom.SYNCOPE))
# Source: standing pressure required from 65 years or with symptoms [K]; unknown age counts.
STANDING_MATTERS = age.unknown | (age >= 65) | UNSTEADY
ON_TREATMENT = some(*(before(drug) > 0 for drug in DRUGS))
STAGE_2 = (mean_systolic >= 1350) | (mean_diastolic >= 850)
ANY_SYMPTOM = some(*(symptom(item) for item in SYMPTOMS))

stage = Option("stage")
envelope_steps, steps_used = Option("envelope_steps"), Number("steps_used")
certainty_percent = Option("certainty_percent")
