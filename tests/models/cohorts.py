"""Small cohort files for the tests: linear patients, nobody real."""

from pathlib import Path
from typing import Any

import numpy as np

from models import cohort
from models.features import RECORD_FEATURES


def patients(
    count: int, seed: int, *, shift_mmhg: float = 5.0, windows: int = 3
) -> list[dict[str, Any]]:
    """Patients whose true level lies a fixed shift above what the filter expects."""
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        held = []
        for _ in range(windows):
            mean = 145.0 + chance.normal(0, 8) - np.abs(chance.normal(3, 2, 6)).sum()
            y = mean + shift_mmhg + chance.normal(0, 5)
            x = np.clip(chance.normal(0, 1, len(RECORD_FEATURES)), -3, 3)
            figures = {"mean": round(float(mean), 4), "sd": 5.0, "y": round(float(y), 3)}
            held.append({"x": x.round(4).tolist(), **figures})
        subject = chance.bytes(16).hex()
        found.append({"subject": subject, "consent": "research", "windows": held})
    return found


def write(path: Path, count: int, seed: int = 1, **options: Any) -> Path:
    cohort.write(path, cohort.header("simulated"), patients(count, seed, **options))
    return path
