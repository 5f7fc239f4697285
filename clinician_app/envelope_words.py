"""An envelope in words, line by line, and what one version changes against another. Pure.

Both the API's history and the editor's comparison use this, so that what a clinician signs reads
the same before and after.
"""

from collections.abc import Mapping
from typing import Any

from services.clinical.units import Micrograms, format_dose

Body = Mapping[str, Any]
"""An envelope as the API carries it."""


def lines(body: Body | None) -> dict[str, str]:
    """Return label → text for every part of an envelope; nothing for none."""
    if body is None:
        return {}
    bounds = {
        f"{bound['drug'].capitalize()}, daily dose": _rungs(bound["rungs_ug"])
        for bound in sorted(body["bounds"], key=lambda bound: bound["drug"])
    }
    target = body["target"]
    stops = sorted(code.replace("_", " ") for code in body["stop_conditions"])
    return {
        "Stage": body["stage"].replace("_", " "),
        **bounds,
        "Target": f"below {target['systolic_below']}/{target['diastolic_below']} mmHg",
        "Largest step": f"{body['max_step_rungs']} rung",
        "Between steps": f"{body['min_interval_days']} days",
        "Steps allowed": str(body["steps_allowed"]),
        "Potassium below": f"{body['potassium_below_thousandths'] / 1000:.1f} mmol/L",
        "eGFR at least": f"{body['egfr_at_least_thousandths'] / 1000:.0f} mL/min/1.73 m²",
        "Labs not older than": f"{body['lab_max_age_days']} days",
        "Certainty at least": f"{body['confidence_floor_percent']} %",
        "Stops at": ", ".join(stops) or "nothing",
        "Age 80 and over": "allowed" if body["allow_age_80_and_over"] else "not allowed",
        "Expires": str(body["expires_at"])[:10],
    }


def changes(signed: Body | None, wanted: Body | None) -> list[tuple[str, str, str]]:
    """Return (label, signed text, new text) of every line that differs; a dash for nothing."""
    before, after = lines(signed), lines(wanted)
    labels = [*after, *(label for label in before if label not in after)]
    return [
        (label, before.get(label, "–"), after.get(label, "–"))
        for label in labels
        if before.get(label) != after.get(label)
    ]


def _rungs(rungs_ug: list[int]) -> str:
    return " · ".join(format_dose(Micrograms(rung)) for rung in rungs_ug)
