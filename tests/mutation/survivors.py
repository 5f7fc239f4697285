"""Mutants that no test can kill, each with why: they mean the same as the source.

Keyed by file, line and change; a line that moves makes its entry void, so that it is looked at
again.
"""

EQUIVALENT: dict[tuple[str, int, str], str] = {
    ("averaging", 131, "2→3"): "a longer reach: which windows belong together is decided later",
    ("averaging", 244, "0→1"): "a window that starts anew takes four days in any case",
    ("windows", 89, "1→2"): "the last one kept is looked at twice",
    ("windows", 76, "GtE→Gt"): "a whole minute later no copy is found either",
    ("windows", 73, "False→True"): "what is sorted already is sorted again",
    ("windows", 175, "LtE→Lt"): "two readings are sorted and both kept, as they are unsorted",
    ("rules_drugs", 116, "25000→25001"): "no rung of eplerenone lies between",
    ("history", 116, "9→10"): "looks back a day farther; the answer is the same",
    ("history", 156, "return None"): "looks at everything; the answer is the same",
    ("history", 164, "swap branches"): "looks at everything; the answer is the same",
    ("history", 117, "17→18"): "looks back a day farther; the answer is the same",
    ("history", 126, "drop Not"): "looks back once more or once less; the last look is whole",
    ("move_facts", 76, "0→1"): "what is not on order is not paused either: never resumed",
    ("history", 164, "Is→IsNot"): "looks at everything; the answer is the same",
    ("history", 164, "Sub→Add"): "looks at everything; the answer is the same",
    ("history", 167, "Or→And"): "looks back once more; the last look is whole",
    ("history", 253, "14→15"): "no drug's interval lies between",
    ("history", 126, "And→Or"): "looks back farther than it need; the answer is the same",
    ("history", 135, "Or→And"): "looks at two windows of which the later is not above: no",
    ("history", 135, "0→1"): "no days above and one are both too few",
    ("history", 137, "drop Not"): "looks back once more or once less; the last look is whole",
    ("history", 139, "And→Or"): "looks back farther than it need; the answer is the same",
    ("rules_labs", 112, "8000→8001"): "no rung of perindopril lies between",
    ("drift", 33, "1000→1001"): "no whole count of steps lies between",
    ("drift", 70, "Lt→LtE"): "a change in whole tenths never meets a bound that is a root",
    ("drift", 72, "Gt→GtE"): "a change in whole tenths never meets a bound that is a root",
    ("drift", 120, "LtE→Lt"): "the tail is never a thousandth to the last digit",
    ("drift", 107, "LtE→Lt"): "at one in five the tail is about a half",
    ("autonomy", 156, "Gt→GtE"): "a change from a dose to the same dose is no change",
}
