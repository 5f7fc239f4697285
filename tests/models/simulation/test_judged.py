"""The simulated facts are the core's facts: same readings, same labs, same moves, same verdict."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from models.simulation.course import Course
from models.simulation.judged import CLINICIAN_RULES, OVERRIDDEN, Flattened, allowed
from models.simulation.legal import ENTRY, MoveBook, proposal
from models.simulation.sick_days import SickDays
from models.simulation.sickness import NEVER
from models.simulation.worlds import WORLDS
from services.clinical.facts import Facts, read_move, read_person
from services.clinical.guard import judge_facts
from services.clinical.moves import Path, legal_moves

PATIENTS = 90


def walked(world: str, cadence: int, seed: int) -> tuple[Course, MoveBook]:
    """A cohort after three decisions, each an arbitrary allowed move, and the weeks to the next.

    Pauses and resumptions are among the moves; spells come often, so that the last morning finds
    people ill, and with drugs paused.
    """
    often = replace(WORLDS[world], sick_spells_per_year=8.0)
    course, book = Course(PATIENTS, often, seed), MoveBook()
    sick_days = SickDays(course)
    chance = np.random.default_rng(seed)
    for decision in range(4):
        week = course.averages()
        offered = course.offer(book, week)
        if decision == 3:
            break
        legal = allowed(course, week, book, offered)
        key = np.where(legal, chance.random(len(legal)), -1.0)
        order = np.lexsort((key, offered.patient))
        last = np.append(np.flatnonzero(np.diff(offered.patient)), len(legal) - 1)
        course.carry_out(book, offered.row[order][last])
        for _ in range(cadence):
            today, next_decision = course.body.day, (decision + 1) * cadence
            course.live(measuring=today >= next_decision - 7, next_decision=next_decision)
            if (
                decision < 2 or today < next_decision - 3
            ):  # the last mornings' sick stay as they are
                sick_days.attend()
    return course, book


@pytest.mark.parametrize(("world", "cadence"), [("noisy_cuff", 28), ("old_and_frail", 14)])
def test_arrays_hold_the_facts_and_verdicts_of_the_core(world: str, cadence: int) -> None:
    course, book = walked(world, cadence, seed=5)
    week = course.averages()
    offered = course.offer(book, week)
    flat = Flattened(course, week, book, offered)
    legal = allowed(course, week, book, offered)
    now = ENTRY + timedelta(days=course.body.day)
    told_apart = set()
    for patient in range(PATIENTS):
        snapshot = course.snapshot(patient)
        places = np.flatnonzero(offered.patient == patient)
        moves = [book.moves[row] for row in offered.row[places]]
        assert moves == list(legal_moves(snapshot, path=Path.CLINICIAN, now=now))
        person = read_person(snapshot, None, now)
        for place, move in zip(places, moves, strict=True):
            asked = proposal(move, now)
            facts = Facts(*person, read_move(snapshot, asked, None, now))
            _same(flat, int(place), facts)
            findings = judge_facts(facts, asked).findings
            spoken = {f.rule_id for f in findings} - OVERRIDDEN
            if not facts.move.keep:
                assert legal[place] == (not spoken), (move.move_id, spoken)
                told_apart |= spoken
    ill, paused = course.body.sickness.open, (course.paused_on != NEVER).any(1)
    assert (ill & ~paused).any() and (ill & paused).any() and (paused & ~ill).any()
    assert told_apart >= {"sick_day", "resume_potassium", "resume_egfr"}
    assert len(told_apart) >= 15, "too few rules spoke for this to be a comparison"


def _same(flat: Flattened, place: int, facts: Facts) -> None:
    def at(values: np.ndarray) -> object:
        return values[place if len(values) > 1 else 0]

    for record in facts:
        for name in record._fields:
            value = getattr(record, name)
            if name in flat.options:
                held, known = flat.options[name]
                found = at(held) if at(known) else None
            elif (name, None) in flat.flags:
                found = at(flat.flags[name, None])
            elif (name, None) in flat.numbers:
                found = at(flat.numbers[name, None])
            elif name == "average":
                continue
            else:
                table = flat.flags if isinstance(value[0], bool) else flat.numbers
                found = tuple(at(table[name, index]) for index in range(len(value)))
            assert found == value, name


def test_every_rule_but_the_overridden_and_autonomous_judges_the_trial() -> None:
    assert {r.rule_id for r in CLINICIAN_RULES}.isdisjoint(OVERRIDDEN)
    assert len(CLINICIAN_RULES) > 70
