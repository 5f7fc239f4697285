"""What is done about a sick day: a pause on the morning of the report, and a dated resumption.

The moves are the clinical core's own and its guard judges each on the patient's chart, day by day;
they are the same whatever policy makes the decisions between them. A resumption is asked for once
its date and blood have come and, where the guard holds it, again with new blood or a week later.
"""

from typing import Final

import numpy as np

from models.simulation.chart import morning
from models.simulation.course import Course
from models.simulation.judged import CLINICIAN_RULES
from models.simulation.legal import DRUGS, proposal
from models.simulation.people import Bools
from models.simulation.sickness import NEVER
from services.clinical.facts import facts
from services.clinical.formulary import drug_class
from services.clinical.guard import judge_facts
from services.clinical.moves import Move, MoveKind, Path, legal_moves
from services.clinical.patient import Snapshot
from services.clinical.regimen import RESUME_AFTER, SICK_DAY_CLASSES

SICK_DAY_KINDS: Final = (MoveKind.PAUSE, MoveKind.RESUME)
_HARMFUL: Final = [p for p, drug in enumerate(DRUGS) if drug_class(drug) in SICK_DAY_CLASSES]
_ASKED_AGAIN_DAYS: Final = 7
_BINDING: Final = frozenset(rule.rule_id for rule in CLINICIAN_RULES)


def to_pause(course: Course) -> Bools:
    """Return who is ill and takes what harms a dry kidney."""
    return np.asarray(course.body.sickness.open & (course.taken_ug[:, _HARMFUL] > 0).any(1))


def to_resume(course: Course) -> Bools:
    """Return who is well again, has drugs paused, and has come to the date of taking them again."""
    last = course.paused_on.max(1)
    return np.asarray(
        (last != NEVER) & ~course.body.sickness.open & (course.body.day >= last + RESUME_AFTER.days)
    )


class SickDays:
    """Looks at the sick of one course every morning. `paused` and `resumed` count the moves."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._asked_on = np.full(course.count, NEVER)
        self.paused = 0
        self.resumed = 0

    def attend(self) -> None:
        """Make today's pauses and resumptions, as far as the guard lets."""
        course, today = self._course, self._course.body.day
        stale = (today - self._asked_on >= _ASKED_AGAIN_DAYS) | (course.lab.day >= self._asked_on)
        # Before blood has come since the sick day the guard could only say so.
        resuming = to_resume(course) & (course.lab.day >= course.ill_until) & stale
        self._asked_on = np.where(resuming, today, self._asked_on)
        paused = course.paused_on != NEVER
        for patient in np.flatnonzero(to_pause(course) | resuming):
            move = permitted(course.snapshot(int(patient)), today)
            if move is None:
                continue
            stops = move.kind is MoveKind.PAUSE
            self.paused += stops
            self.resumed += not stops
            for change in move.changes:
                paused[patient, DRUGS.index(change.drug)] = stops
        course.prescribe(course.doses_ug, paused)


def permitted(snapshot: Snapshot, today: int) -> Move | None:
    """Return the pause or, without one, the resumption that no rule speaks against, or None."""
    now = morning(today)
    moves = legal_moves(snapshot, path=Path.CLINICIAN, now=now)
    for kind in SICK_DAY_KINDS:
        for move in moves:
            if move.kind is kind:
                asked = proposal(move, now)
                found = judge_facts(facts(snapshot, asked, None, now), asked).findings
                return None if {f.rule_id for f in found} & _BINDING else move
    return None
