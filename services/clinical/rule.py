"""What a rule is: an id, whom it binds, in which direction, when it speaks, and its source."""

from dataclasses import dataclass
from enum import StrEnum

from services.clinical.logic import Condition, every
from services.clinical.verdict import FindingKind, Strength
from services.clinical.vocabulary import CHANGES, RAISES, TITRATES, alone, keep


class Direction(StrEnum):
    """Which moves a rule looks at."""

    CHANGE = "change"
    """Everything but KEEP."""
    RAISE = "raise"
    """Any drug's dose rises, resumptions and swaps included."""
    TITRATE = "titrate"
    """More, or other, treatment than was ordered, the start within a swap included: not a
    resumption."""


_WHEN = {Direction.CHANGE: CHANGES, Direction.RAISE: RAISES, Direction.TITRATE: TITRATES}


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the rule table. `sentence` is for the clinician and ends without a number of mg.

    `explains_keep`: the rule also says why nothing is done when the move is KEEP; it then speaks
    as a hold or a need for data, never as a refusal.
    """

    rule_id: str
    kind: FindingKind
    strength: Strength
    direction: Direction
    when: Condition
    source: str
    sentence: str
    missing: tuple[str, ...] = ()
    explains_keep: bool = False

    @property
    def condition(self) -> Condition:
        """When the rule speaks against a move. Autonomy rules bind the patient alone."""
        who = (alone,) if self.strength is Strength.AUTONOMY else ()
        return every(*who, _WHEN[self.direction], self.when)

    @property
    def keep_condition(self) -> Condition:
        """When the rule explains that nothing is done."""
        return every(keep, self.when)


def refuse(
    rule_id: str, when: Condition, source: str, sentence: str, *, hard: bool = False
) -> Rule:
    """Return a rule against raising a dose."""
    strength = Strength.HARD if hard else Strength.CLINICIAN
    return Rule(rule_id, FindingKind.REFUSE, strength, Direction.RAISE, when, source, sentence)


def ask(rule_id: str, when: Condition, source: str, sentence: str) -> Rule:
    """Return a rule that leaves a raise to a clinician who gives a coded reason."""
    return Rule(
        rule_id, FindingKind.ASK, Strength.CLINICIAN, Direction.RAISE, when, source, sentence
    )


def hold(rule_id: str, when: Condition, source: str, sentence: str) -> Rule:
    """Return a rule that holds a raise for a reason of the drug or its labs."""
    return Rule(
        rule_id, FindingKind.HOLD, Strength.CLINICIAN, Direction.RAISE, when, source, sentence
    )


def need(
    rule_id: str,
    missing: str,
    when: Condition,
    source: str,
    sentence: str,
    *,
    hard: bool = False,
) -> Rule:
    """Return a rule that blocks a raise for want of the named input."""
    strength = Strength.HARD if hard else Strength.CLINICIAN
    return Rule(
        rule_id,
        FindingKind.NEEDS_DATA,
        strength,
        Direction.RAISE,
        when,
        source,
        sentence,
        missing=(missing,),
    )


def own(
    rule_id: str,
    when: Condition,
    source: str,
    sentence: str,
    *,
    direction: Direction = Direction.RAISE,
) -> Rule:
    """Return a rule that ends the patient-alone path only."""
    return Rule(rule_id, FindingKind.ASK, Strength.AUTONOMY, direction, when, source, sentence)
