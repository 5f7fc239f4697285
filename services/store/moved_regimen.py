"""What a move makes of a regimen: pure, so that the record and the order say the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.clinical.formulary import FORMULARY, Drug
from services.clinical.moves import DoseChange, Move, MoveKind
from services.clinical.patient import Prescription
from services.clinical.units import Micrograms

Effect = Literal["ordered", "stopped", "paused", "resumed"]


class MoveDoesNotFit(ValueError):
    """The move is about a dose that the regimen does not have: judge again on fresh data."""


@dataclass(frozen=True, slots=True)
class Applied:
    """One change as carried out. `before` and `after` are the prescriptions around it."""

    change: DoseChange
    effect: Effect
    before: Prescription | None
    after: Prescription | None


def parse_move(move_id: str) -> Move:
    """Return the move that `Move.move_id` names.

    Raises:
        MoveDoesNotFit: the text is no move id.
    """
    kind, _, steps = move_id.partition(":")
    try:
        changes = tuple(_parse_change(step) for step in steps.split(",")) if steps else ()
        move = Move(MoveKind(kind), changes)
    except ValueError as err:
        raise MoveDoesNotFit(f"{move_id!r} is no move") from err
    if move.move_id != move_id:
        raise MoveDoesNotFit(f"{move_id!r} is no move")
    return move


def apply(
    move: Move,
    regimen: Sequence[Prescription],
    *,
    order_ids: Mapping[Drug, str],
    now: datetime,
) -> tuple[Applied, ...]:
    """Return each change of the move as carried out now; `order_ids` name the new orders.

    Raises:
        MoveDoesNotFit: a change starts from another dose than the regimen has.
    """
    by_drug = {item.drug: item for item in regimen}
    return tuple(
        _apply(move.kind, change, by_drug.get(change.drug), order_ids[change.drug], now)
        for change in move.changes
    )


def regimen_after(
    regimen: Sequence[Prescription], applied: Sequence[Applied]
) -> tuple[Prescription, ...]:
    """Return the regimen once the changes are carried out, its order kept, starts at the end."""
    changed = {item.change.drug: item.after for item in applied}
    kept = [changed.get(item.drug, item) for item in regimen]
    known = {item.drug for item in regimen}
    started = [item.after for item in applied if item.change.drug not in known]
    return tuple(item for item in (*kept, *started) if item is not None)


def _apply(
    kind: MoveKind,
    change: DoseChange,
    before: Prescription | None,
    order_id: str,
    now: datetime,
) -> Applied:
    taken = 0 if before is None or before.paused_since is not None else before.daily_dose_ug
    if taken != change.from_ug:
        raise MoveDoesNotFit(f"{change.drug.value} is not at the dose that the move starts from")
    if before is None:
        return Applied(change, "ordered", None, _started(change, order_id, now))
    if change.to_ug == 0:
        if kind is MoveKind.PAUSE:
            return Applied(change, "paused", before, replace(before, paused_since=now))
        return Applied(change, "stopped", before, None)
    if before.paused_since is not None and change.to_ug == before.daily_dose_ug:
        return Applied(change, "resumed", before, replace(before, paused_since=None))
    after = replace(
        before,
        daily_dose_ug=change.to_ug,
        since=now,
        order_id=order_id,
        paused_since=None,
    )
    return Applied(change, "ordered", before, after)


def _started(change: DoseChange, order_id: str, now: datetime) -> Prescription:
    return Prescription(
        drug=change.drug,
        daily_dose_ug=change.to_ug,
        times_a_day=FORMULARY[change.drug].times_a_day,
        since=now,
        order_id=order_id,
    )


def _parse_change(step: str) -> DoseChange:
    drug, _, doses = step.partition(":")
    from_ug, _, to_ug = doses.partition(">")
    return DoseChange(Drug(drug), Micrograms(int(from_ug)), Micrograms(int(to_ug)))
