"""Random but boundary-seeking facts, patients and proposals for the differential tests."""

import random
from datetime import date, timedelta
from typing import Any

from services.clinical.averaging import InsufficientAverage
from services.clinical.envelope import DrugBounds, Stage, StopCondition
from services.clinical.facts import (
    CONDITIONS,
    DRUGS,
    MEDICINES,
    SYMPTOMS,
    EnvelopeFacts,
    Facts,
    MoveFacts,
    PersonFacts,
)
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.guard import RULES
from services.clinical.history import History
from services.clinical.laboratory import Laboratory
from services.clinical.logic import Compare, Condition, Constant, leaves
from services.clinical.moves import DoseChange, Move, MoveKind, Path, legal_moves
from services.clinical.patient import (
    Adherence,
    ConsentPurpose,
    Intolerance,
    Lab,
    OtherMedicine,
    PendingLab,
    Pregnancy,
    Sex,
    Snapshot,
    SymptomReport,
    Target,
)
from services.clinical.proposal import Proposal
from services.clinical.readings import Posture
from services.clinical.units import Micrograms
from tests.proof.symbols import TYPES, WIDTHS
from tests.services.clinical import examples as ex


def limits() -> dict[str, list[int]]:
    """Return for each fact the limits that it is compared with: the boundaries to stand on."""
    found: dict[str, set[int]] = {}
    for rule in RULES:
        _collect(rule.condition, found)
    return {name: sorted(values) for name, values in found.items()}


def _collect(condition: Condition, found: dict[str, set[int]]) -> None:
    match condition:
        case Compare(left, _, Constant(value)):
            name = getattr(left, "name", None)
            if name is not None:
                found.setdefault(name, set()).add(value)
        case _:
            for part in getattr(condition, "parts", ()):
                _collect(part, found)
            part = getattr(condition, "part", None)
            if part is not None:
                _collect(part, found)
    assert all(leaf.name for leaf in leaves(condition))


LIMITS = limits()
RECORDS: tuple[Any, ...] = (PersonFacts, History, Laboratory, EnvelopeFacts, MoveFacts)
_DUMMY = InsufficientAverage((), ex.NOW, 0, 0)


def random_facts(source: random.Random) -> Facts:
    """Return facts that no rule of the world restrains, dense on the limits of the rules."""
    rare = source.choice((0.02, 0.1, 0.5))
    records: list[Any] = [
        record._make([_value(name, source, rare) for name in record._fields]) for record in RECORDS
    ]
    return Facts(*records)


def _value(name: str, source: random.Random, rare: float) -> object:
    if name == "average":
        return _DUMMY
    if name in ("before", "after"):
        return tuple(_dose(drug, source, rare) for drug in DRUGS)
    if name in WIDTHS:
        return tuple(source.random() < rare for _ in range(WIDTHS[name]))
    kind = TYPES[name]
    if kind is bool:
        return source.random() < (1 - rare if name.endswith(("_known", "consented")) else rare)
    near = [value + step for value in LIMITS.get(name, [0, 1300]) for step in (-1, 0, 1)]
    if kind == int | None and source.random() < rare:
        return None
    return source.choice(near)


def _dose(drug: Drug, source: random.Random, rare: float) -> int:
    if source.random() > rare:
        return 0
    return int(source.choice((*FORMULARY[drug].ladder_ug, 7)))


def random_snapshot(source: random.Random) -> Snapshot:
    """Return a patient: mostly eligible, with a few things wrong or unknown."""
    few = source.choice((0.03, 0.1, 0.3))

    def odd() -> bool:
        return source.random() < few

    drugs = source.sample(DRUGS, source.choice((0, 1, 1, 2, 3)))
    regimen = tuple(
        ex.prescription(
            drug,
            7 if odd() else int(source.choice(FORMULARY[drug].ladder_ug)),
            paused_since=ex.NOW - ex.DAY if odd() else None,
            tablets_in_hand=None if odd() else source.choice((5, 60)),
        )
        for drug in drugs
    )
    labs = tuple(
        ex.lab(lab, value + source.choice((-1, 0, 1, 900)), source.choice((5, 60, 190)))
        for lab, value in (
            (Lab.POTASSIUM, source.choice((4200, 5000, 5500, 3500))),
            (Lab.SODIUM, source.choice((140_000, 135_000, 130_000))),
            (Lab.CREATININE, source.choice((900, 1800))),
            (Lab.EGFR, source.choice((85_000, 50_000, 45_000, 30_000))),
        )
        if not odd()
    )
    mean = source.choice(((148, 92), (138, 84), (131, 79), (122, 74), (108, 66), (178, 118)))
    readings = () if odd() else ex.week(*mean, spread=source.choice((0, 2, 9)))
    if odd():
        readings += (
            ex.reading(ex.NOW - timedelta(minutes=30), mean[0], mean[1]),
            ex.reading(
                ex.NOW - timedelta(minutes=27),
                mean[0] - source.choice((5, 20)),
                mean[1] - 5,
                posture=Posture.STANDING_1_MIN,
            ),
        )
    return ex.snapshot(
        birth_date=None if odd() else date(source.choice((1940, 1961, 1975, 1995)), 3, 1),
        sex=source.choice(tuple(Sex)),
        deceased=odd(),
        consent=frozenset() if odd() else frozenset(ConsentPurpose),
        regimen=regimen,
        other_medicines=tuple(
            OtherMedicine(kind, "x", source.random() < 0.5) for kind in MEDICINES if odd()
        ),
        medicines_complete=not odd(),
        conditions=frozenset(item for item in CONDITIONS if odd()),
        conditions_complete=not odd(),
        intolerances=tuple(Intolerance(drug) for drug in drugs if odd()),
        intolerances_complete=not odd(),
        pregnancy=source.choice((*Pregnancy, None)) if odd() else Pregnancy.NOT_PREGNANT,
        labs=labs,
        pending_labs=(PendingLab(Lab.POTASSIUM, ex.NOW),) if odd() else (),
        readings=readings,
        symptoms=tuple(SymptomReport(s, ex.NOW - ex.DAY, True) for s in SYMPTOMS if odd()),
        adherence=None if odd() else Adherence(source.choice((22, 23, 28)), 28),
        changes=tuple(ex.changed(source.choice((5, 13, 14, 28, 90)), d) for d in drugs if odd()),
        target=None if odd() else Target(130, 80),
        open_alarm=odd(),
        halted=odd(),
    )


def random_proposal(source: random.Random, snapshot: Snapshot) -> Proposal:
    """Return a proposal of any kind, mostly well formed."""
    move = source.choice(
        (_random_move(source, snapshot), Move(MoveKind.STEP_UP, _changes(source, snapshot)))
    )
    path = source.choice(tuple(Path))
    return ex.proposal(move, path, decided=source.random() < 0.3)


def _random_move(source: random.Random, snapshot: Snapshot) -> Move:
    moves = legal_moves(snapshot, path=Path.CLINICIAN, now=ex.NOW)
    return source.choice(moves)


def _changes(source: random.Random, snapshot: Snapshot) -> tuple[DoseChange, ...]:
    if not snapshot.regimen:
        return ()
    item = source.choice(snapshot.regimen)
    to = Micrograms(int(source.choice((*FORMULARY[item.drug].ladder_ug, 0, 7))))
    return (DoseChange(item.drug, item.daily_dose_ug, to),)


def random_envelope(source: random.Random, snapshot: Snapshot) -> object:
    """Return a plan with bounds on the regimen, or None."""
    if source.random() < 0.2:
        return None
    bounds = tuple(
        DrugBounds(i.drug, tuple(r for r in FORMULARY[i.drug].rungs_ug if source.random() < 0.8))
        for i in snapshot.regimen
    )
    return ex.envelope(
        stage=source.choice(tuple(Stage)),
        bounds=bounds,
        min_interval_days=source.choice((13, 14, 28, 60)),
        steps_allowed=source.choice((1, 2, 3, 4)),
        confidence_floor_percent=source.choice((40, 60, 95)),
        stop_conditions=frozenset(s for s in StopCondition if source.random() < 0.7),
        signed_by=None if source.random() < 0.1 else "c-1",
    )
