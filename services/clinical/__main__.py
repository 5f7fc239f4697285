"""Run scenarios: `python -m services.clinical < scenario.json` prints the verdict as JSON.

Exit code 0 when every scenario could be read and, where it states an expectation, meets it; 1 when
an expectation is not met; 2 when the input cannot be read.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from services.clinical.scenario import run_scenario, vignettes


def run(source: TextIO, sink: TextIO) -> int:
    """Read one document, write one JSON result (or a list of them), return the exit code."""
    try:
        document = json.load(source)
    except json.JSONDecodeError as err:
        print(json.dumps({"verdict": "refuse", "binding": _unreadable(str(err))}), file=sink)
        return 2
    if not isinstance(document, dict):
        print(json.dumps({"verdict": "refuse", "binding": _unreadable("no object")}), file=sink)
        return 2
    cases = vignettes(document)
    results = [run_scenario(case) for case in cases]
    shown = results if "vignettes" in document else results[0]
    print(json.dumps(shown, indent=2, ensure_ascii=False), file=sink)
    misses = [m for case, result in zip(cases, results, strict=True) for m in unmet(case, result)]
    for miss in misses:
        print(miss, file=sys.stderr)
    if misses:
        return 1
    # Unreadable input that was not expected to be so is an error of the caller.
    unread = [
        result
        for case, result in zip(cases, results, strict=True)
        if _is_unreadable(result) and not case.get("expect")
    ]
    return 2 if unread else 0


def unmet(case: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    """Return what the scenario expects and the result does not show, one line each."""
    expected = case.get("expect", {})
    shown = {
        "verdict": result["verdict"],
        "binding": (result["binding"] or {}).get("rule_id"),
        "missing": sorted({m for f in result["findings"] for m in f["missing"]}),
        "findings": sorted(f["rule_id"] for f in result["findings"]),
        "alarms": [f"{a['cause']}:{a['urgency']}" for a in result.get("alarms", [])],
        "move": result.get("move"),
        "path": result.get("path"),
    }
    name = case.get("name", "scenario")
    return [
        f"{name}: {key} is {shown[key]!r}, not {wanted!r}"
        for key, wanted in expected.items()
        if shown[key] != (sorted(wanted) if key in ("missing", "findings") else wanted)
    ]


def _unreadable(why: str) -> dict[str, str]:
    return {"rule_id": "unreadable_input", "sentence": why}


def _is_unreadable(result: Mapping[str, Any]) -> bool:
    return (result["binding"] or {}).get("rule_id") == "unreadable_input"


if __name__ == "__main__":  # pragma: no cover - a test runs it in a process of its own
    raise SystemExit(run(sys.stdin, sys.stdout))
