"""All proofs about the guard, by group, for the tests and for `python -m tests.proof`."""

from collections.abc import Iterator
from functools import cache

import z3

from services.clinical.facts import DRUGS
from services.clinical.formulary import FORMULARY, Drug, DrugClass
from services.clinical.guard import REASONS, RULES
from services.clinical.logic import leaves
from services.clinical.rule import Rule
from services.clinical.verdict import FindingKind, Strength
from tests.proof.obligations import (
    OBLIGATIONS,
    class_on_order,
    no_rung,
    pregnant,
    standing_wanted,
    status_wanted,
    treated,
    two_on_order,
)
from tests.proof.prover import Proof, Prover, not_passed
from tests.proof.symbols import OPTIONS, GuardModel, flag, known, number
from tests.proof.world import (
    ENVELOPE_OPTIONS,
    OF_THE_AVERAGE,
    after,
    before,
    names_rung,
    place,
    raises_any,
    raises_of,
    starts_drug,
    titrates,
)

ACE, ARB, MRA = DrugClass.ACE_INHIBITOR, DrugClass.ARB, DrugClass.MRA
KIDNEY_ACTIVE = (ACE, ARB, DrugClass.THIAZIDE, MRA)
PATIENT_OPTIONS = tuple(name for name in OPTIONS if name not in ENVELOPE_OPTIONS)

# A fact that the rules ask for only in some patients: there, and only there, its absence blocks.
# Elsewhere a positive finding binds and its absence is no finding.
WANTED_WHEN: dict[str, z3.BoolRef] = {
    "pregnancy_risk": status_wanted,
    "standing_drop_systolic": standing_wanted,
    "standing_drop_diastolic": standing_wanted,
    "standing_systolic": standing_wanted,
    "adherence_percent": treated,
}

# What can be lost: single facts, those that come and go together, and lists told incomplete.
_TOGETHER: dict[str, frozenset[str]] = {
    "average": frozenset({*OF_THE_AVERAGE, "average_known", "two_windows"}),
    "potassium": frozenset({"potassium", "potassium_age", "potassium_since_pause"}),
    "sodium": frozenset({"sodium", "sodium_age", "sodium_since_pause"}),
    "egfr": frozenset({"egfr", "egfr_age", "egfr_since_pause"}),
    "conditions": frozenset({"condition", "conditions_known"}),
    "medicines": frozenset({"medicine", "medicines_known"}),
    "intolerances": frozenset({"intolerant", "intolerances_known"}),
}
_ALONE = frozenset(PATIENT_OPTIONS) - frozenset().union(*_TOGETHER.values())
LOSSES: dict[str, frozenset[str]] = {
    **{name: frozenset({name}) for name in sorted(_ALONE)},
    **_TOGETHER,
}


@cache
def prover() -> Prover:
    return Prover()


def obligations() -> Iterator[Proof]:
    """Each rule's claim, said anew, holds of the whole guard."""
    for rule_id, premise in OBLIGATIONS:
        yield prover().never(f"never: {rule_id}", prover().permitted, premise, not_passed(rule_id))


def removals() -> Iterator[Proof]:
    """Each rule, taken away, makes its claim fail: the claim is not vacuous, the rule not idle."""
    for rule_id, premise in OBLIGATIONS:
        yield prover().never(
            f"without {rule_id}",
            prover().permitted,
            premise,
            not_passed(rule_id),
            without=rule_id,
        )


def exactness() -> Iterator[Proof]:
    """Each rule speaks only where its claim says so: the guard is no stricter than its text."""
    sound = z3.And(z3.Not(flag("malformed")), z3.Not(flag("mismatch")))
    for rule_id, premise in OBLIGATIONS:
        fires = prover().guard.fires[rule_id]
        yield prover().never(f"only: {rule_id}", fires, z3.Not(premise), sound)


def catastrophes() -> Iterator[Proof]:
    """What no path gives, whoever signs and whatever is passed."""
    permitted, raised = prover().permitted, raises_any()
    newly = z3.Or(*(z3.And(after(d) > before(d)) for d in DRUGS))
    claims = {
        "no ACE inhibitor with ARB": z3.And(raised, class_on_order(ACE), class_on_order(ARB)),
        "no RAS blocker or MRA in pregnancy": z3.And(pregnant, raises_of(ACE, ARB, MRA)),
        "no two drugs of a class": z3.And(newly, z3.Or(*(two_on_order(c) for c in DrugClass))),
        "no dose off the ladder": z3.Or(
            *(z3.And(after(d) != before(d), no_rung(d, after(d))) for d in DRUGS)
        ),
        "no change for the dead": flag("deceased"),
        "no rise above the top rung": z3.Or(
            *(z3.And(after(d) > before(d), after(d) > _top(d)) for d in DRUGS)
        ),
        "no increase within 14 days": z3.And(titrates(), number("days_since_change") < 14),
        "no start within 14 days, within a swap or alone": z3.And(
            z3.Or(*(starts_drug(d) for d in DRUGS)),
            z3.Not(flag("resumes")),
            number("days_since_change") < 14,
        ),
        "no increase of more than two rungs": z3.And(
            raised, z3.Not(flag("resumes")), number("rungs_raised") > 2
        ),
    }
    for name, claim in claims.items():
        yield prover().never(name, permitted, claim)


def _top(drug: Drug) -> int:
    return int(FORMULARY[drug].ladder_ug[-1])


def envelope_meaning() -> Iterator[Proof]:
    """What a step alone means, said apart from the guard: the plan, and the limits beneath it."""
    step = z3.And(
        prover().permitted, flag("alone"), z3.Not(flag("pauses")), z3.Not(flag("resumes"))
    )
    raised = z3.And(step, raises_any())
    one = z3.Or(*(_one_rung(d) for d in DRUGS))
    meanings = {
        "alone needs a plan in force": z3.And(
            step,
            z3.Not(
                z3.And(
                    flag("envelope_present"),
                    flag("envelope_signed"),
                    flag("envelope_started"),
                    z3.Not(flag("envelope_expired")),
                    z3.Not(flag("envelope_revoked")),
                    z3.Not(flag("envelope_of_other")),
                )
            ),
        ),
        "alone needs an earned stage": z3.And(step, number("stage") < 2),
        "alone is one rung of one drug, on a rung the plan names": z3.And(raised, z3.Not(one)),
        "alone is at most three steps a plan": z3.And(raised, number("steps_used") > 2),
        "alone waits 14 days whatever the plan says": z3.And(
            raised, titrates(), number("days_since_change") < 14
        ),
        "alone waits as long as the plan says": z3.And(
            raised, titrates(), number("days_since_change") < number("envelope_interval_days")
        ),
        "alone needs potassium under 5 and eGFR of 30": z3.And(
            raised,
            z3.Or(
                z3.Not(known("potassium")),
                z3.Not(known("egfr")),
                number("potassium") >= 5000,
                number("egfr") < 30_000,
            ),
        ),
        "alone takes nothing up again without labs since the pause": z3.And(
            prover().permitted,
            flag("alone"),
            flag("resumes"),
            raises_of(*KIDNEY_ACTIVE),
            z3.Not(z3.And(flag("potassium_since_pause"), flag("egfr_since_pause"))),
        ),
        "alone keeps under four drugs": z3.And(raised, number("drug_count") > 2),
    }
    for name, claim in meanings.items():
        yield prover().never(name, claim)
    for drug in DRUGS:
        yield prover().never(
            f"alone is never a start of {drug.value}", raised, before(drug) == 0, after(drug) > 0
        )


def _one_rung(drug: Drug) -> z3.BoolRef:
    """This drug alone changes, by one rung, to a rung that the plan names."""
    others = [d for d in DRUGS if d is not drug]
    named = z3.Or(
        *(
            z3.And(after(drug) == int(rung), names_rung(drug, int(rung)))
            for rung in FORMULARY[drug].rungs_ug
        )
    )
    return z3.And(
        place(drug, after(drug), -1) - place(drug, before(drug), -1) == 1,
        place(drug, before(drug), -1) >= 0,
        named,
        *(after(d) == before(d) for d in others),
    )


def unknowns() -> Iterator[Proof]:
    """Turning one known fact of the patient into "not known" never widens permission.

    Said twice: of undecided and unsigned moves, and of signed ones with every rule passed that a
    clinician can pass, where only the hard rules stand.
    """
    nothing_passed = [z3.Not(flag(f"passed:{rule.rule_id}")) for rule in RULES]
    all_passed = [flag(f"passed:{rule.rule_id}") for rule in RULES]
    for name, lost in LOSSES.items():
        blurred = _permitted_without(lost)
        wanted = WANTED_WHEN.get(name, z3.BoolVal(True))
        # Only a rule that reads what is lost can stand in the one world and not in the other.
        stops = z3.Or(*(prover().guard.blocks[rule.rule_id] for rule in _readers(lost)))
        for label, passed in (("nothing", nothing_passed), ("all", all_passed)):
            yield prover().never(
                f"not knowing {name} widens nothing ({label} passed)",
                wanted,
                *passed,
                blurred,
                stops,
            )


def _readers(lost: frozenset[str]) -> tuple[Rule, ...]:
    return tuple(r for r in RULES if lost & {leaf.name for leaf in leaves(r.condition)})


def _permitted_without(lost: frozenset[str]) -> z3.BoolRef:
    """The move is permitted when the facts named are lost; other rules are as they were."""
    readers = _readers(lost)
    blurred = GuardModel(unknown=lost, rules=readers)
    changed = {rule.rule_id for rule in readers}
    others = [block for name, block in prover().guard.blocks.items() if name not in changed]
    return z3.And(blurred.permitted, z3.Not(z3.Or(*others)))


def downward() -> Iterator[Proof]:
    """A move that raises nothing is never blocked for missing data, nor by losing a fact."""
    lowers = z3.And(z3.Not(flag("keep")), z3.Not(raises_any()))
    asks_for_data = [
        prover().guard.fires[rule.rule_id] for rule in RULES if rule.kind is FindingKind.NEEDS_DATA
    ]
    yield prover().never("no need for data speaks against a decrease", lowers, z3.Or(asks_for_data))
    for name, lost in LOSSES.items():
        yield prover().never(
            f"not knowing {name} blocks no decrease",
            lowers,
            prover().permitted,
            z3.Or(*GuardModel(unknown=lost, rules=_readers(lost)).blocks.values()),
        )
    clinical = z3.Or(
        *(
            prover().guard.blocks[rule.rule_id]
            for rule in RULES
            if rule.strength is not Strength.AUTONOMY and rule.rule_id not in _BIND_A_DECREASE
        )
    )
    yield prover().never("a signed decrease meets only the named rules", lowers, clinical)


# Every rule that may stop a move which raises nothing: identity, input, stop, taper. None is a
# need for data. A reader may check this list by eye.
_BIND_A_DECREASE = frozenset(
    {
        "deceased",
        "wrong_patient",
        "malformed_move",
        "stale_regimen",
        "off_ladder",
        "halted",
        "no_consent",
        "observe_only",
        "beta_blocker_taper",
    }
)

# Each limit of a plan and the direction in which it is looser.
_LOOSER: dict[str, str] = {
    "envelope_steps": ">",
    "envelope_interval_days": "<",
    "envelope_potassium_below": ">",
    "envelope_egfr_at_least": "<",
    "envelope_lab_age_days": ">",
    "envelope_certainty": "<",
    "envelope_rungs": ">",
    "envelope_days": ">",
}


def loosening() -> Iterator[Proof]:
    """Loosening a limit of a validly signed plan never makes a verdict stricter.

    Stronger than asked: no rule begins to speak. Strictness is a function of the rules that do.
    """
    validity = ("envelope_beyond_limits", "envelope_needs_second")
    for name, direction in _LOOSER.items():
        readers = _readers(frozenset({name}))
        looser = GuardModel(renamed={name: f"{name}:looser"}, rules=readers)
        new, old = number(f"{name}:looser"), number(name)
        begins = z3.Or(
            *(
                z3.And(looser.fires[rule.rule_id], z3.Not(prover().guard.fires[rule.rule_id]))
                for rule in readers
                if rule.rule_id not in validity
            )
        )
        yield prover().never(
            f"loosening {name} makes nothing stricter",
            new > old if direction == ">" else new < old,
            begins,
        )
    yield _flag_loosening("envelope_allows_80")
    yield _flag_loosening("stage")


def _flag_loosening(name: str) -> Proof:
    readers = _readers(frozenset({name}))
    looser = GuardModel(renamed={name: f"{name}:looser"}, rules=readers)
    if name == "stage":
        grew = number("stage:looser") > number("stage")
        # At the last stage but one a second step waits for review: it is looser to be past it.
        premise = z3.And(grew, number("stage:looser") == 3)
    else:
        premise = z3.And(flag(f"{name}:looser"), z3.Not(flag(name)))
    begins = z3.Or(
        *(
            z3.And(looser.fires[rule.rule_id], z3.Not(prover().guard.fires[rule.rule_id]))
            for rule in readers
        )
    )
    return prover().never(f"loosening {name} makes nothing stricter", premise, begins)


def possible() -> dict[str, z3.CheckSatResult]:
    """Vacuity: what the guard must leave possible."""
    permitted = prover().permitted
    lowers = z3.Not(raises_any())
    changes = z3.And(z3.Not(flag("malformed")), z3.Not(flag("mismatch")))
    cases = {
        "a patient may step up alone": z3.And(flag("alone"), raises_any(), titrates()),
        "a patient may step down alone": z3.And(
            flag("alone"), lowers, z3.Not(flag("pauses")), number("drugs_changed") == 1
        ),
        "a patient may pause for a sick day": z3.And(flag("alone"), flag("pauses")),
        "a patient may take up again what was paused, alone": z3.And(
            flag("alone"), flag("resumes"), raises_of(*KIDNEY_ACTIVE)
        ),
        "a clinician may be asked": z3.And(
            z3.Not(flag("alone")), z3.Not(flag("decided")), raises_any()
        ),
        "a clinician may sign an increase": z3.And(flag("decided"), raises_any()),
        "a clinician may stop a drug while halted": z3.And(
            flag("decided"), lowers, flag("halted"), number("drugs_changed") == 1
        ),
        "a clinician may start two drugs": z3.And(
            flag("decided"), number("rungs_raised") == 2, number("drugs_changed") == 2
        ),
        "a clinician may swap one drug for another": z3.And(
            flag("decided"), raises_any(), z3.Or(*(after(d) < before(d) for d in DRUGS))
        ),
        "a clinician may stop a drug a day after a change": z3.And(
            flag("decided"), lowers, number("days_since_change") == 1, number("drugs_changed") == 1
        ),
        "a drug may be stopped with nothing known": z3.And(
            flag("decided"), lowers, *(z3.Not(known(name)) for name in PATIENT_OPTIONS)
        ),
    }
    return {name: prover().satisfiable(permitted, changes, claim) for name, claim in cases.items()}


GROUPS = (obligations, exactness, catastrophes, envelope_meaning, unknowns, downward, loosening)


def uncovered() -> set[str]:
    """Return rules without a claim of their own."""
    return set(REASONS) - {rule_id for rule_id, _ in OBLIGATIONS}
