"""Split a folder of recordings by subject into design/ and evaluation/ links for the benches.

    python bench/signals_split.py --data DIR --out OUT

Subjects in sorted order take turns, so that two records of one person never part.
"""

import argparse
import json
from pathlib import Path
from typing import Literal

Half = Literal["design", "evaluation"]
HALVES: tuple[Half, ...] = ("design", "evaluation")


def half_of(folder: Path, source: str, half: Half) -> set[str]:
    """Return the records of one source (mitdb, bidmc) whose subjects are in one half."""
    listed = json.loads((folder / "manifest.json").read_text())["records"]
    rows = [row for row in listed if row["dataset"] == source]
    subjects = sorted({row["subject"] for row in rows})
    kept = set(subjects[HALVES.index(half) :: 2])
    return {row["record"] for row in rows if row["subject"] in kept}


def main() -> None:
    """Make the links."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, required=True)
    asked.add_argument("--out", type=Path, required=True)
    given = asked.parse_args()
    for half in HALVES:
        for source in ("mitdb", "bidmc"):
            into = given.out / half / source
            into.mkdir(parents=True, exist_ok=True)
            for record in sorted(half_of(given.data, source, half)):
                link = into / f"{record}.npz"
                link.unlink(missing_ok=True)
                link.symlink_to((given.data / source / f"{record}.npz").resolve())


if __name__ == "__main__":
    main()
