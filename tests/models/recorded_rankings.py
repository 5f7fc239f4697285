"""Patients of every kind and the rankings on record for them, one hash a patient and model.

    python -m tests.models.recorded_rankings

writes the hashes anew. Only with a new version of the model: the old ones are decisions on record.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.predict import MODEL_VERSION, FilterPredictor, trained_version
from services.clinical.formulary import FORMULARY, Drug
from services.clinical.moves import KEEP, DoseChange, Move, MoveKind
from services.clinical.patient import Adherence, DoseChangeRecord, Prescription, Snapshot
from services.clinical.proposal import Predictor
from services.clinical.units import Micrograms
from tests.models import models_made
from tests.models.patients import NOW, TARGET, changed, prescription, snapshot

FILE: Final = Path(__file__).with_name("recorded_rankings.json")
PATIENTS: Final = 200
DAYS: Final = (0, 2, 5, 14, 40, 60, 120)
DRUGS: Final = tuple(Drug)

Treatment = tuple[tuple[Prescription, ...], tuple[DoseChangeRecord, ...]]


def patients() -> Iterator[tuple[Snapshot, tuple[Move, ...]]]:
    """Yield patients with moves to rank, the same ones each time.

    The moves are made here: what is legal may change, and no ranking on record changes with it.
    """
    chance = np.random.default_rng(20261129)
    for number in range(PATIENTS):
        patient = _patient(chance, number)
        yield patient, tuple(_moves(patient, chance))


def hashes() -> dict[str, list[str]]:
    """Return the hash of each ranking by model: 16 hex digits of SHA-256 over all of its fields."""
    everyone = list(patients())
    with TemporaryDirectory() as folder:
        trained = models_made.predictor(
            models_made.made(Path(folder), Ed25519PrivateKey.generate())
        )
    version = trained_version(trained.artifact.manifest)
    rankers: dict[str, Predictor] = {MODEL_VERSION: FilterPredictor(), version: trained}
    return {
        version: [_hash(ranker, patient, moves) for patient, moves in everyone]
        for version, ranker in rankers.items()
    }


def _hash(ranker: Predictor, patient: Snapshot, moves: tuple[Move, ...]) -> str:
    ranking = ranker.rank(patient, moves, TARGET, NOW)
    return hashlib.sha256(repr(ranking).encode()).hexdigest()[:16]


def _moves(patient: Snapshot, chance: np.random.Generator) -> Iterator[Move]:
    """Yield no change, every other dose of each drug, starts, and a swap of each drug for each."""
    yield KEEP
    taken = {item.drug: int(item.daily_dose_ug) for item in patient.regimen}
    others = [DRUGS[at] for at in chance.choice(len(DRUGS), 5, replace=False)]
    starts = [_to(drug, 0, FORMULARY[drug].start_ug) for drug in others if drug not in taken]
    for start in starts:
        yield Move(MoveKind.START, (start,))
    for drug, dose_ug in taken.items():
        for rung in FORMULARY[drug].rungs_ug:
            if rung != dose_ug:
                kind = MoveKind.STEP_UP if rung > dose_ug else MoveKind.STEP_DOWN
                yield Move(kind, (_to(drug, dose_ug, rung),))
        for start in starts:
            yield Move(MoveKind.SWAP, (_to(drug, dose_ug, 0), start))


def _to(drug: Drug, from_ug: int, to_ug: int) -> DoseChange:
    return DoseChange(drug, Micrograms(from_ug), Micrograms(to_ug))


def _patient(chance: np.random.Generator, number: int) -> Snapshot:
    mean, days = float(chance.normal(142.0, 18.0)), int(chance.choice(DAYS))
    patient = snapshot([mean] * days, *_treatment(chance), seed=number)
    if chance.random() < 0.4:
        patient = replace(patient, adherence=Adherence(int(chance.integers(5, 29)), 28))
    if chance.random() < 0.1:
        patient = replace(patient, adherence=None)
    if patient.regimen and chance.random() < 0.1:
        first, *rest = patient.regimen
        paused = replace(first, paused_since=NOW - timedelta(days=3))
        patient = replace(patient, regimen=(paused, *rest))
    kept = tuple(r for r in patient.readings if chance.random() < 0.7)
    return replace(patient, readings=kept)


def _treatment(chance: np.random.Generator) -> Treatment:
    """Return up to four drugs on any rung, half of them changed within the last months."""
    regimen, changes = [], []
    for at in chance.choice(len(DRUGS), int(chance.integers(0, 5)), replace=False):
        rungs = (0, *(int(rung) for rung in FORMULARY[DRUGS[at]].rungs_ug))
        rung = int(chance.integers(1, len(rungs)))
        regimen.append(prescription(DRUGS[at], rungs[rung], days_ago=150))
        if chance.random() < 0.5:
            days = int(chance.integers(1, 120))
            changes.append(changed(DRUGS[at], rungs[rung - 1], rungs[rung], days_ago=days))
    return tuple(regimen), tuple(changes)


if __name__ == "__main__":
    FILE.write_text(json.dumps(hashes(), indent=1) + "\n")
