"""The moves: what can be done to a regimen, rung by rung."""

from dataclasses import dataclass
from enum import StrEnum

from services.clinical.formulary import Drug
from services.clinical.units import Micrograms


class MoveKind(StrEnum):
    """What a move does. KEEP is always legal."""

    KEEP = "keep"
    STEP_UP = "step_up"
    STEP_DOWN = "step_down"
    START = "start"
    START_TWO = "start_two"
    ADD_AND_STEP_UP = "add_and_step_up"
    STEP_UP_TWO = "step_up_two"
    SWAP = "swap"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"


class Path(StrEnum):
    """Who may carry a move out: a clinician (two rungs in total), or the patient alone (one)."""

    CLINICIAN = "clinician"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class DoseChange:
    """One drug from one daily dose to another; 0 means "not taken"."""

    drug: Drug
    from_ug: Micrograms
    to_ug: Micrograms


@dataclass(frozen=True, slots=True)
class Move:
    """One legal thing to do; `changes` is empty for KEEP. PAUSE keeps the order and goes to 0."""

    kind: MoveKind
    changes: tuple[DoseChange, ...] = ()

    @property
    def move_id(self) -> str:
        """A stable text such as "step_up:amlodipine:5000>10000", fit for ids and logs of kinds."""
        steps = ",".join(f"{c.drug.value}:{c.from_ug}>{c.to_ug}" for c in self.changes)
        return f"{self.kind.value}:{steps}" if steps else self.kind.value


KEEP = Move(MoveKind.KEEP)
