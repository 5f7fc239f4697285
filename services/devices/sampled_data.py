"""FHIR SampledData: a waveform as text inside an Observation."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from services.devices.stream import (
    Malformed,
    Misdeclared,
    NotDeclared,
    Waveform,
    WaveKind,
    number,
    require_aware,
)


def read_sampled_data(
    sampled: Mapping[str, Any], kind: WaveKind, *, started_at: datetime, clock_id: str | None = None
) -> Waveform:
    """Return a one-dimensional SampledData (R4 element, as parsed JSON) as a waveform.

    "E" (error), "U" and "L" (above and below the limits) become NaN: none of them is a sample.
    Source: FHIR R4 SampledData; value = origin + factor × data, period in ms.

    Raises:
        NotDeclared: no period, origin unit or data. Malformed: a token that is no number.
        Misdeclared: several dimensions, or a period or factor that cannot be.
    """
    origin = sampled.get("origin") or {}
    unit = origin.get("code") or origin.get("unit")
    texts = {"period": sampled.get("period"), "data": sampled.get("data"), "unit": unit}
    absent = sorted(name for name, value in texts.items() if value in (None, ""))
    if absent or "value" not in origin:
        raise NotDeclared(f"SampledData: no {', '.join(absent) or 'origin value'}")
    if sampled.get("dimensions", 1) != 1:
        raise Misdeclared(f"SampledData: {sampled['dimensions']} dimensions")
    period_ms = number(str(sampled["period"]), "period")
    factor = number(str(sampled.get("factor", 1)), "factor")
    if period_ms <= 0 or factor == 0:
        raise Misdeclared(f"SampledData: period {period_ms} ms, factor {factor}")
    steps = np.array([_step(token) for token in str(sampled["data"]).split()])
    samples = number(str(origin["value"]), "origin") + factor * steps
    start = require_aware(started_at, "SampledData")
    return Waveform(kind, kind, samples, 1000.0 / period_ms, str(unit), start, clock_id)


def _step(token: str) -> float:
    if token in {"E", "U", "L"}:
        return np.nan
    if token in {"nan", "inf"}:
        raise Malformed(f"SampledData: {token!r} is not a number")
    return number(token, "SampledData")
