"""What is true of all facts, said anew and apart from the rules and from `facts.py`.

The proofs hold in every world that satisfies these axioms; `test_world.py` checks that every world
which `facts.py` makes does.
"""

import z3

from services.clinical.facts import DRUG_PLACE, DRUGS
from services.clinical.formulary import DRUGS_BY_CLASS, FORMULARY, Drug, DrugClass
from tests.proof.symbols import OPTIONS, flag, known, number

ENVELOPE_OPTIONS = tuple(
    name for name in OPTIONS if name.startswith("envelope_") or name == "stage"
)


OF_THE_AVERAGE = (
    "mean_systolic",
    "mean_diastolic",
    "lower_systolic",
    "lower_diastolic",
    "typed_readings",
)


def before(drug: Drug) -> z3.ArithRef:
    return number("before", DRUG_PLACE[drug])


def after(drug: Drug) -> z3.ArithRef:
    return number("after", DRUG_PLACE[drug])


def paused(drug: Drug) -> z3.BoolRef:
    return flag("paused", DRUG_PLACE[drug])


def names_rung(drug: Drug, rung_ug: int) -> z3.BoolRef:
    """The envelope names this rung of this drug."""
    return z3.Bool(f"names:{drug.value}:{rung_ug}")


def raises_drug(drug: Drug) -> z3.BoolRef:
    return after(drug) > before(drug)


def lowers_drug(drug: Drug) -> z3.BoolRef:
    return after(drug) < before(drug)


def raises_of(*classes: DrugClass) -> z3.BoolRef:
    return z3.Or(*(raises_drug(d) for cls in classes for d in DRUGS_BY_CLASS[cls]))


def raises_any() -> z3.BoolRef:
    return raises_of(*DrugClass)


def starts_drug(drug: Drug) -> z3.BoolRef:
    return z3.And(before(drug) == 0, after(drug) > 0)


def on_order(drug: Drug) -> z3.BoolRef:
    return z3.Or(after(drug) > 0, paused(drug))


def titrates() -> z3.BoolRef:
    return z3.And(raises_any(), z3.Not(flag("resumes")))


def place(drug: Drug, dose: z3.ArithRef, otherwise: int) -> z3.ArithRef:
    """The dose's place on the ladder, or `otherwise`."""
    found: z3.ArithRef = z3.IntVal(otherwise)
    for index, rung in enumerate(FORMULARY[drug].ladder_ug):
        found = z3.If(dose == int(rung), z3.IntVal(index), found)
    return found


def rungs_up(drug: Drug) -> z3.ArithRef:
    """Rungs that the drug rises; a start counts one, plus what lies above the start dose."""
    start = FORMULARY[drug].ladder_ug.index(FORMULARY[drug].start_ug)
    above_start = place(drug, after(drug), 99) - start + 1
    from_place = place(drug, before(drug), -1)
    stepped = z3.If(from_place == -1, 99, place(drug, after(drug), 99) - from_place)
    begun = z3.If(above_start > 1, above_start, 1)
    return z3.If(raises_drug(drug), z3.If(before(drug) == 0, begun, stepped), 0)


def rungs_down(drug: Drug) -> z3.ArithRef:
    """Rungs that the drug falls; nothing lies one rung under the lowest."""
    to_place = z3.If(after(drug) == 0, -1, place(drug, after(drug), -99))
    return z3.If(lowers_drug(drug), place(drug, before(drug), 99) - to_place, 0)


def outside_the_plan() -> z3.BoolRef:
    """A drug goes to a dose that the plan does not name."""
    return z3.Or(
        *(
            z3.And(
                after(drug) != before(drug),
                *(
                    z3.Not(z3.And(after(drug) == int(rung), names_rung(drug, int(rung))))
                    for rung in FORMULARY[drug].ladder_ug
                ),
            )
            for drug in DRUGS
        )
    )


def axioms() -> list[z3.BoolRef]:
    """Return what holds of every set of facts."""
    whole_time = z3.Or(flag("pauses"), flag("resumes"))
    changes = [z3.If(after(d) != before(d), 1, 0) for d in DRUGS]
    present = flag("envelope_present")
    sound = z3.And(z3.Not(flag("malformed")), z3.Not(flag("mismatch")))
    return [
        *(z3.And(before(d) >= 0, after(d) >= 0) for d in DRUGS),
        *(known(name) == present for name in ENVELOPE_OPTIONS),
        z3.Implies(flag("alone"), z3.Not(flag("decided"))),
        z3.Implies(flag("keep"), z3.And(*(after(d) == before(d) for d in DRUGS))),
        z3.And(number("stage") >= 0, number("stage") <= 3),
        number("steps_used") >= 0,
        # These tie the counted facts to the doses, for a move that is what it says it is.
        z3.Implies(sound, number("drugs_changed") == z3.Sum(changes)),
        z3.Implies(
            z3.And(sound, z3.Not(whole_time)),
            z3.And(
                number("rungs_raised") == z3.Sum([rungs_up(d) for d in DRUGS]),
                number("rungs_lowered") == z3.Sum([rungs_down(d) for d in DRUGS]),
            ),
        ),
        z3.Implies(z3.And(sound, present), flag("outside_bounds") == outside_the_plan()),
        z3.Implies(z3.Not(present), flag("outside_bounds")),
        z3.Not(z3.And(flag("pauses"), flag("resumes"))),
        # What is computed together is known together.
        *(known(name) == flag("average_known") for name in OF_THE_AVERAGE),
        z3.Implies(flag("two_windows"), flag("average_known")),
        *(known(name) == known(f"{name}_age") for name in ("potassium", "sodium", "egfr")),
        *(z3.Implies(known(n), flag("ras_raised")) for n in ("egfr_fall", "creatinine_rise")),
        z3.Implies(known("female"), z3.And(number("female") >= 0, number("female") <= 1)),
        z3.Implies(
            known("pregnancy_risk"),
            z3.And(number("pregnancy_risk") >= 0, number("pregnancy_risk") <= 1),
        ),
    ]
