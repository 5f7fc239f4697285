"""`python -m bench`: run what needs nothing but this machine and a running stack, one by one.

The signal benches need recordings that are not all in the repository: see `README.md`.
"""

import subprocess
import sys
from typing import Final

SUITES: Final = (
    ("one judgement of the guard", ("bench.clinical",)),
    ("the audit record and its verifier", ("bench.audit", "--events", "100000")),
    ("the models", ("bench.models",)),
    ("the loop: uploads a second, reading to verdict (needs `make demo`)", ("bench.loop",)),
)


def main() -> int:
    """Run every suite; return 1 when one could not run or missed its limit."""
    failed = False
    for title, command in SUITES:
        print(f"\n== {title}\n   python -m {' '.join(command)}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", *command], check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
