"""How often steps of an honest ranker, and of one that is wrong, lie outside its bounds.

`python -m bench.drift`: simulated patients, one half-year; each step is held against the bounds of
its ranking as `services.clinical.drift` does, at the next week that was measured. One in ten on
either side is what the bounds promise, one in five is borne.
"""

import json
from dataclasses import dataclass
from typing import Final

import numpy as np

from models import choice, dosage
from models.simulation import trial
from models.simulation.course import Course
from models.simulation.home import Averages
from models.simulation.legal import MoveBook
from models.simulation.people import Floats, Ints
from models.simulation.policies import POLICIES, Decision, chosen
from models.simulation.worlds import WORLDS
from services.clinical.drift import Effect, has_drifted, measured_bounds, placed
from services.clinical.moves import MoveKind
from services.clinical.proposal import RankedMove
from services.clinical.response import expected_response

PATIENTS, DAYS, CADENCE, SEED = 400, 182, 28, 5
# Of a window of seven days. Source: CLINICAL §2 [D].
SE_TENTHS: Final = 33
TAKEN_SHARE: Final = 0.8
TARGET_TENTHS: Final = 1300
_Z80: Final = 1.2816


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was made: what was expected of it, and the mean before it."""

    ranked: RankedMove
    before_tenths: int


class Held:
    """A policy and a watcher in one: notes what is expected of each step, and what came of it."""

    def __init__(self, name: str, expected_share: float) -> None:
        self._name, self._share = name, expected_share
        self._open: dict[int, Step] = {}
        self.counts = dict.fromkeys(Effect, 0)

    def __call__(self, asked: Decision) -> Floats:
        scores = POLICIES[self._name](asked)
        place = chosen(scores, asked.offered)
        rows, patients = asked.offered.row[place], asked.offered.patient[place]
        taken = asked.course.taken_share()
        change, half = self._expected(asked, rows)
        for patient, row in zip(patients.tolist(), rows.tolist(), strict=True):
            move = asked.book.moves[row]
            counted = asked.week.known[patient] and taken[patient] >= TAKEN_SHARE
            if move.kind is not MoveKind.KEEP and counted:
                expected, width = round(float(change[patient])), round(float(half[patient]))
                bounds = (expected, expected - width, expected + width)
                ranked = RankedMove(move, 0, *bounds, 0, 0)
                self._open[patient] = Step(ranked, int(asked.week.systolic[patient]))
        return scores

    def measured(self, week: Averages) -> None:
        for patient, step in self._open.items():
            if week.known[patient]:
                self.counts[_effect(step, int(week.systolic[patient]))] += 1
        self._open = {}

    def moved(self, course: Course, week: Averages, beliefs: object) -> None:
        pass

    def lived(self, course: Course) -> None:
        pass

    def _expected(self, asked: Decision, rows: Ints) -> tuple[Floats, Floats]:
        """Return change and half width for each patient, in tenths of mmHg."""
        if self._name == "filter":
            change, half = _of_filter(asked, rows)
        else:
            pairs = zip(rows.tolist(), asked.week.systolic.tolist(), strict=True)
            found = [
                expected_response(asked.book.moves[row], mean, TARGET_TENTHS) for row, mean in pairs
            ]
            change = np.array([item.change_tenths for item in found], dtype=np.float64)
            half = np.array(
                [item.high_tenths - item.change_tenths for item in found], dtype=np.float64
            )
        return self._share * change, half


def _of_filter(asked: Decision, rows: Ints) -> tuple[Floats, Floats]:
    keep = np.flatnonzero(np.diff(asked.offered.patient, prepend=-1))
    share, base = asked.course.taken_share()[:, None], asked.beliefs.mean[:, 0]
    after, now = (
        dosage.row(dosage.effects(asked.book.doses_after(chosen_rows)) * share, base)
        for chosen_rows in (rows, asked.offered.row[keep])
    )
    change = ((after - now) * asked.beliefs.mean).sum(1)
    spread = dosage.spread(after - now, asked.beliefs.covariance)
    return 10 * change, 10 * _Z80 * choice.WIDEN * spread


def _effect(step: Step, after_tenths: int) -> Effect:
    within = measured_bounds(step.ranked, before_se_tenths=SE_TENTHS, after_se_tenths=SE_TENTHS)
    return placed(after_tenths - step.before_tenths, within)


def measure(policy: str, world: str, expected_share: float) -> dict[str, object]:
    """Return shares on either side; `expected_share` 2: a ranker that promises twice as much."""
    held = Held(policy, expected_share)
    design = trial.Design(PATIENTS, DAYS, CADENCE)
    trial.run(held, WORLDS[world], design, SEED, MoveBook(), held)
    total = max(1, sum(held.counts.values()))
    return {
        "policy": policy,
        "world": world,
        "promises": expected_share,
        "steps": total,
        "more_fall": round(held.counts[Effect.MORE_FALL] / total, 3),
        "less_fall": round(held.counts[Effect.LESS_FALL] / total, 3),
        "drifted": has_drifted(held.counts),
    }


def main() -> None:
    """Print one line of JSON for each ranker, world and promise."""
    for policy in ("titrator", "filter"):
        for world in ("literature", "shifted"):
            for share in (1.0, 2.0):
                print(json.dumps(measure(policy, world, share)), flush=True)


if __name__ == "__main__":
    main()
