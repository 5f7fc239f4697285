"""Lines of treatment: which classes may be proposed next. A clinician may order any other.

Without this, a ranker that counts millimetres would start a beta-blocker and spironolactone in
somebody who has never had a first-line drug.
"""

from services.clinical.formulary import DrugClass, drug_class
from services.clinical.moves import Move
from services.clinical.patient import Condition, Snapshot

# A, C and D: one of each is the first line. Source: AHA25 p36 [S]; HEARTS ladder [K].
FIRST_LINE: tuple[frozenset[DrugClass], ...] = (
    frozenset({DrugClass.ACE_INHIBITOR, DrugClass.ARB}),
    frozenset({DrugClass.CALCIUM_CHANNEL_BLOCKER}),
    frozenset({DrugClass.THIAZIDE}),
)
# What asks for a beta-blocker before the first line is used up. Source: AHA25 [K].
BETA_BLOCKER_FOR = frozenset(
    {Condition.CORONARY_DISEASE, Condition.HEART_FAILURE, Condition.ATRIAL_FIBRILLATION}
)


def proposable(snapshot: Snapshot, moves: tuple[Move, ...]) -> tuple[Move, ...]:
    """Return the moves whose starts are first line, or whose time has come, in the given order."""
    return tuple(
        move
        for move in moves
        if all(
            is_next_line(drug_class(change.drug), snapshot)
            for change in move.changes
            if change.from_ug == 0 and not _is_taken_up_again(change.drug, snapshot)
        )
    )


def is_next_line(cls: DrugClass, snapshot: Snapshot) -> bool:
    """Say whether a class may be proposed as the next to start."""
    if any(cls in group for group in FIRST_LINE):
        return True
    if cls is DrugClass.BETA_BLOCKER and BETA_BLOCKER_FOR & snapshot.conditions:
        return True
    present = {drug_class(item.drug) for item in snapshot.regimen}
    return all(group & present for group in FIRST_LINE)


def _is_taken_up_again(drug: str, snapshot: Snapshot) -> bool:
    """A paused drug is resumed, not started."""
    return any(item.drug == drug for item in snapshot.regimen)
