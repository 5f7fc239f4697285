"""What a proposal asks for, flattened for the rules: doses before and after, rungs, supply."""

from datetime import datetime
from typing import NamedTuple

from services.clinical.envelope import Envelope
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.moves import DoseChange, Move, MoveKind, Path, is_well_formed
from services.clinical.patient import Snapshot
from services.clinical.proposal import Proposal

DRUGS: tuple[Drug, ...] = tuple(Drug)
DRUG_PLACE = {drug: place for place, drug in enumerate(DRUGS)}


class MoveFacts(NamedTuple):
    """What the proposal asks for. Doses are daily, in micrograms."""

    after: tuple[int, ...]
    paused: tuple[bool, ...]
    """On order and not taken once the move is made."""
    keep: bool
    pauses: bool
    resumes: bool
    swap_stronger: bool
    alone: bool
    """The patient's path, not signed by a clinician."""
    decided: bool
    malformed: bool
    mismatch: bool
    wrong_patient: bool
    drugs_changed: int
    rungs_raised: int
    rungs_lowered: int
    proposal_age_days: int
    certainty_percent: int | None
    abstained: bool
    outside_bounds: bool
    supply_days: int | None


def read_move(
    snapshot: Snapshot, proposal: Proposal, envelope: Envelope | None, now: datetime
) -> MoveFacts:
    """Return the facts of the move."""
    move, ranking = proposal.move, proposal.ranking
    after, paused, mismatch = _apply(snapshot, move)
    raised, lowered = _rungs(move)
    alone = proposal.path is Path.PATIENT and not proposal.decided_by_clinician
    return MoveFacts(
        after=after,
        paused=paused,
        keep=move.kind is MoveKind.KEEP,
        pauses=move.kind is MoveKind.PAUSE,
        resumes=move.kind is MoveKind.RESUME,
        swap_stronger=move.kind is MoveKind.SWAP and _swap_is_stronger(move),
        alone=alone,
        decided=proposal.decided_by_clinician,
        malformed=not is_well_formed(move),
        mismatch=mismatch,
        wrong_patient=proposal.patient_id != snapshot.patient_id,
        drugs_changed=len(move.changes),
        rungs_raised=raised,
        rungs_lowered=lowered,
        proposal_age_days=(now - proposal.made_at).days,
        certainty_percent=None if ranking is None else ranking.certainty_percent,
        abstained=ranking is None or ranking.abstained is not None,
        outside_bounds=_outside_bounds(move, envelope),
        supply_days=_supply_days(snapshot, move) if alone else None,
    )


def _apply(snapshot: Snapshot, move: Move) -> tuple[tuple[int, ...], tuple[bool, ...], bool]:
    """Return doses and pauses once the move is made, and whether it misreads the regimen."""
    after, paused = [0] * len(DRUGS), [False] * len(DRUGS)
    ordered = [0] * len(DRUGS)
    for item in snapshot.regimen:
        place = DRUG_PLACE[item.drug]
        ordered[place] = item.daily_dose_ug
        if item.paused_since is None:
            after[place] = item.daily_dose_ug
        else:
            paused[place] = True
    mismatch = False
    for change in move.changes:
        place = DRUG_PLACE[change.drug]
        resumes = move.kind is MoveKind.RESUME
        # A paused drug is taken up again by RESUME at its ordered dose, or stopped; never started.
        mismatch |= change.from_ug != after[place] or paused[place] is not resumes
        mismatch |= resumes and change.to_ug != ordered[place]
        after[place] = change.to_ug
        paused[place] = move.kind is MoveKind.PAUSE
    return tuple(after), tuple(paused), mismatch


def _rungs(move: Move) -> tuple[int, int]:
    """Return rungs raised and lowered in total; a start counts one, plus what lies above it.

    PAUSE and RESUME count none: what they may do is a matter of other rules. From or to a dose off
    the ladder it is far.
    """
    raised = lowered = 0
    if move.kind in (MoveKind.PAUSE, MoveKind.RESUME):
        return 0, 0
    for change in move.changes:
        if change.to_ug > change.from_ug:
            raised += _distance_up(change)
        elif change.to_ug < change.from_ug:
            lowered += _distance_down(change)
    return raised, lowered


def _distance_up(change: DoseChange) -> int:
    places = _LADDER_PLACES[change.drug]
    to_place = places.get(change.to_ug, _FAR)
    if change.from_ug == 0:
        return max(1, to_place - _START_PLACES[change.drug] + 1)
    return to_place - places[change.from_ug] if change.from_ug in places else _FAR


def _distance_down(change: DoseChange) -> int:
    """Return the rungs down to the new dose; nothing lies one rung under the lowest."""
    places = _LADDER_PLACES[change.drug]
    to_place = -1 if change.to_ug == 0 else places.get(change.to_ug, -_FAR)
    return places.get(change.from_ug, _FAR) - to_place


_FAR = 99
_LADDER_PLACES = {
    drug: {int(rung): place for place, rung in enumerate(entry.ladder_ug)}
    for drug, entry in FORMULARY.items()
}
_START_PLACES = {drug: _LADDER_PLACES[drug][entry.start_ug] for drug, entry in FORMULARY.items()}


def _swap_is_stronger(move: Move) -> bool:
    """Say whether the new drug is above its start and more standard doses than the old one."""
    away = [change for change in move.changes if change.to_ug == 0]
    taken = [change for change in move.changes if change.from_ug == 0]
    if len(away) != 1 or len(taken) != 1:
        return True
    old, new = FORMULARY[away[0].drug], FORMULARY[taken[0].drug]
    stronger = taken[0].to_ug * old.standard_ug > away[0].from_ug * new.standard_ug
    return stronger and taken[0].to_ug > new.start_ug


def _outside_bounds(move: Move, envelope: Envelope | None) -> bool:
    """Say whether a change ends on a rung that the envelope does not name."""
    if envelope is None:
        return True
    allowed = {(item.drug, rung) for item in envelope.bounds for rung in item.rungs_ug}
    return any((change.drug, change.to_ug) not in allowed for change in move.changes)


def _supply_days(snapshot: Snapshot, move: Move) -> int | None:
    """Return for how many days the tablets in hand last at the raised doses; None: not known.

    A dose that is no whole number of tablets cannot be taken from them: 0 days.
    """
    days: list[int] = []
    for change in move.changes:
        if change.to_ug <= change.from_ug:
            continue
        item = next((item for item in snapshot.regimen if item.drug is change.drug), None)
        if item is None or item.tablet_strength_ug is None or item.tablets_in_hand is None:
            return None
        tablets, rest = divmod(change.to_ug, item.tablet_strength_ug)
        days.append(0 if rest or not tablets else item.tablets_in_hand // tablets)
    return min(days, default=None)
