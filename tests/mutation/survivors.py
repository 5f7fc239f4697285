"""Mutants that no test can kill, each with why: they mean the same as the source.

Keyed by file, line and change; a line that moves makes its entry void, so that it is looked at
again.
"""

EQUIVALENT: dict[tuple[str, int, str], str] = {
    ("averaging", 124, "2→3"): "a longer reach: which windows belong together is decided later",
    ("windows", 114, "LtE→Lt"): "two readings are sorted and both kept, as they are unsorted",
    ("rules_drugs", 116, "25000→25001"): "no rung of eplerenone lies between",
    ("rules_labs", 112, "8000→8001"): "no rung of perindopril lies between",
    ("autonomy", 113, "Gt→GtE"): "a change from a dose to the same dose is no change",
}
