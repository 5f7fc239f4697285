"""Mutants that no test can kill, each with why: they mean the same as the source.

Keyed by file, line and change; a line that moves makes its entry void, so that it is looked at
again.
"""

EQUIVALENT: dict[tuple[str, int, str], str] = {}
