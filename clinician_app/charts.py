"""Chart specifications as plain Vega-Lite dicts.

Source: Wegier 2021, BMC Med Inform Decis Mak 21:235, 40 participants.

Two lines, filled goal bands, step bands for 10–90 %, daily medians, a diamond for each cuff
reading, an orange rule with the drug at each dose change, the last value in place of a legend.
The y axis is fixed at 50–190 mmHg and clamped, never automatic: a scale that moves hides a trend.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

Spec = dict[str, Any]

SYSTOLIC, DIASTOLIC = "#008471", "#9C652B"
CHANGE, INK, GRID, MUTED = "#B3420A", "#17212B", "#E3E9EF", "#5A6B7B"
LOW_MMHG, HIGH_MMHG = 50, 190
_Y_TICKS = [60, 80, 100, 120, 140, 160, 180]


def pressure_chart(trend: Mapping[str, Any], *, height_px: int) -> Spec:
    """Return the trend chart of one patient from the API's trend body."""
    layers = [
        *_goal_layers(trend),
        *_pressure_layers(trend, "systolic", SYSTOLIC),
        *_pressure_layers(trend, "diastolic", DIASTOLIC),
        *_change_layers(trend["changes"]),
    ]
    return _framed(layers, height_px)


def profile_chart(trend: Mapping[str, Any], *, height_px: int) -> Spec:
    """Return the 24-hour profile: systolic median with 25–75 and 5–95 % bands, diastolic median."""
    bins = [_with_hour_end(bin_) for bin_ in trend["profile"]]
    layers = [_night(), *_profile_goal(trend["target"]), *_profile_layers(bins)]
    return _framed(layers, height_px)


def _framed(layers: list[Spec], height_px: int) -> Spec:
    return {
        "height": height_px,
        "width": "container",
        "padding": {"left": 2, "right": 4, "top": 4, "bottom": 0},
        "autosize": {"type": "fit", "contains": "padding"},
        "layer": layers,
        "config": {
            "font": "Source Sans, Source Sans Pro, sans-serif",
            "view": {"stroke": None},
            "axis": {
                "labelColor": INK,
                "labelFontSize": 12,
                "titleColor": MUTED,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
            },
            "axisY": {"domain": False, "ticks": False, "gridColor": GRID},
            "axisX": {"grid": False, "domainColor": "#9AA7B4", "tickColor": "#9AA7B4"},
            "text": {"font": "Source Sans, Source Sans Pro, sans-serif"},
        },
    }


def _y(field: str) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"domain": [LOW_MMHG, HIGH_MMHG], "clamp": True, "nice": False, "zero": False},
        "axis": {"values": _Y_TICKS, "title": None},
    }


def _time_x(trend: Mapping[str, Any], field: str) -> Spec:
    first = date.fromisoformat(trend["days"][0]["day"])
    last = date.fromisoformat(trend["days"][-1]["day"]) + timedelta(days=1)
    # Room at the right for the last values, which stand in place of a legend.
    room = timedelta(hours=len(trend["days"]) * 24 // 8)
    return {
        "field": field,
        "type": "temporal",
        "scale": {"domain": [f"{first}T00:00:00", _midnight_plus(last, room)], "nice": False},
        "axis": {"title": None, "format": "%d %b", "tickCount": 5},
    }


def _midnight_plus(day: date, room: timedelta) -> str:
    days, seconds = divmod(int(room.total_seconds()), 24 * 3600)
    return f"{day + timedelta(days=days)}T{seconds // 3600:02d}:00:00"


def _goal_layers(trend: Mapping[str, Any]) -> list[Spec]:
    target = trend["target"]
    if target is None:
        return []
    return [
        layer
        for series, colour in (("systolic", SYSTOLIC), ("diastolic", DIASTOLIC))
        for layer in _goal_band(trend, target, series, colour)
    ]


def _goal_band(
    trend: Mapping[str, Any], target: Mapping[str, int], series: str, colour: str
) -> list[Spec]:
    low, below = target[f"{series}_from"], target[f"{series}_below"]
    first = date.fromisoformat(trend["days"][0]["day"])
    last = date.fromisoformat(trend["days"][-1]["day"]) + timedelta(days=1)
    band = {
        "from": f"{first}T00:00:00",
        "to": f"{last}T00:00:00",
        "low": low,
        "below": below,
        "label": f"target {low}–{below - 1}",
    }
    x, y = _time_x(trend, "from"), _y("low")
    return [
        {
            "data": {"values": [band]},
            "mark": {"type": "rect", "color": colour, "opacity": 0.13},
            "encoding": {"x": x, "x2": {"field": "to"}, "y": y, "y2": {"field": "below"}},
        },
        {
            "data": {"values": [band]},
            "mark": {
                "type": "text",
                "align": "left",
                "baseline": "bottom",
                "dx": 6,
                "dy": -3,
                "color": colour,
                "fontSize": 12,
                "fontWeight": 600,
            },
            "encoding": {"x": x, "y": y, "text": {"field": "label"}},
        },
    ]


def _pressure_layers(trend: Mapping[str, Any], series: str, colour: str) -> list[Spec]:
    days = [_with_day_end(day, series) for day in trend["days"] if day["count"]]
    if not days:
        return []
    medians = _runs(trend["days"], series)
    x_day, y_median = _time_x(trend, "noon"), _y("median")
    cuff = [{"at": point["at"], "value": point[series]} for point in trend["cuff"]]
    return [
        {
            "data": {"values": days},
            "mark": {"type": "rect", "color": colour, "opacity": 0.18},
            "encoding": {
                "x": _time_x(trend, "from"),
                "x2": {"field": "to"},
                "y": _y("p10"),
                "y2": {"field": "p90"},
            },
        },
        {
            "data": {"values": cuff},
            "mark": {
                "type": "point",
                "shape": "diamond",
                "size": 20,
                "color": colour,
                "opacity": 0.55,
                "strokeWidth": 1,
            },
            "encoding": {"x": _time_x(trend, "at"), "y": _y("value")},
        },
        {
            "data": {"values": medians},
            "mark": {
                "type": "line",
                "color": colour,
                "strokeWidth": 2.2,
                "point": {"filled": True, "size": 22, "color": colour},
            },
            "encoding": {"x": x_day, "y": y_median, "detail": {"field": "run"}},
        },
        {
            "data": {"values": [{**medians[-1], "label": f"{series} {medians[-1]['median']}"}]},
            "mark": {
                "type": "text",
                "align": "left",
                "dx": 9,
                "color": colour,
                "fontSize": 12.5,
                "fontWeight": 600,
            },
            "encoding": {"x": x_day, "y": y_median, "text": {"field": "label"}},
        },
    ]


def _with_day_end(day: Mapping[str, Any], series: str) -> Spec:
    following = date.fromisoformat(day["day"]) + timedelta(days=1)
    return {
        "from": f"{day['day']}T00:00:00",
        "to": f"{following}T00:00:00",
        "p10": day[f"{series}_p10"],
        "p90": day[f"{series}_p90"],
    }


def _runs(days: Sequence[Mapping[str, Any]], series: str) -> list[Spec]:
    """Medians numbered by unbroken run: a line never bridges days without readings."""
    run, points = 0, []
    for day in days:
        if not day["count"]:
            run += 1
            continue
        points.append(
            {"noon": f"{day['day']}T12:00:00", "median": day[f"{series}_median"], "run": run}
        )
    return points


def _change_layers(changes: Sequence[Mapping[str, Any]]) -> list[Spec]:
    if not changes:
        return []
    # Labels of neighbouring changes take turns on three lines, or they would overprint.
    values = [
        {"at": change["at"], "label": change["label"], "line": HIGH_MMHG - 1 - 8 * (index % 3)}
        for index, change in enumerate(changes)
    ]
    x = {"field": "at", "type": "temporal"}
    return [
        {
            "data": {"values": values},
            "mark": {"type": "rule", "color": CHANGE, "strokeWidth": 1.4},
            "encoding": {"x": x},
        },
        {
            "data": {"values": values},
            "mark": {
                "type": "text",
                "align": "left",
                "baseline": "top",
                "dx": 4,
                "color": CHANGE,
                "fontSize": 12,
                "fontWeight": 600,
            },
            "encoding": {"x": x, "y": _y("line"), "text": {"field": "label"}},
        },
    ]


def _hour_x(field: str) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"domain": [0, 24], "nice": False},
        "axis": {"values": list(range(0, 25, 3)), "title": None, "labelExpr": "datum.value + ' h'"},
    }


def _with_hour_end(bin_: Mapping[str, Any]) -> Spec:
    return {**bin_, "to": bin_["hour"] + 1, "middle": bin_["hour"] + 0.5}


def _night() -> Spec:
    """The hours in which people mostly sleep, so that a dip can be seen against them."""
    spans = [{"hour": 0, "to": 6}, {"hour": 22, "to": 24}]
    return {
        "data": {"values": spans},
        "mark": {"type": "rect", "color": "#EEF1F4"},
        "encoding": {"x": _hour_x("hour"), "x2": {"field": "to"}},
    }


def _profile_goal(target: Mapping[str, int] | None) -> list[Spec]:
    if target is None:
        return []
    band = {"hour": 0, "to": 24, "low": target["systolic_from"], "below": target["systolic_below"]}
    return [
        {
            "data": {"values": [band]},
            "mark": {"type": "rect", "color": SYSTOLIC, "opacity": 0.13},
            "encoding": {
                "x": _hour_x("hour"),
                "x2": {"field": "to"},
                "y": _y("low"),
                "y2": {"field": "below"},
            },
        }
    ]


def _profile_layers(bins: list[Spec]) -> list[Spec]:
    banded = [bin_ for bin_ in bins if bin_["systolic_p05"] is not None]
    return [
        _hour_band(banded, "systolic_p05", "systolic_p95", 0.16),
        _hour_band(banded, "systolic_p25", "systolic_p75", 0.30),
        _hour_median(bins, "systolic_median", SYSTOLIC),
        _hour_median(bins, "diastolic_median", DIASTOLIC),
    ]


def _hour_band(bins: list[Spec], low: str, high: str, opacity: float) -> Spec:
    return {
        "data": {"values": bins},
        "mark": {"type": "rect", "color": SYSTOLIC, "opacity": opacity},
        "encoding": {
            "x": _hour_x("hour"),
            "x2": {"field": "to"},
            "y": _y(low),
            "y2": {"field": high},
        },
    }


def _hour_median(bins: list[Spec], field: str, colour: str) -> Spec:
    return {
        "data": {"values": bins},
        "mark": {"type": "rule", "color": colour, "strokeWidth": 2.4},
        "encoding": {"x": _hour_x("hour"), "x2": {"field": "to"}, "y": _y(field)},
    }
