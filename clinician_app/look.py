"""The look: one style sheet and the few pieces of HTML that Streamlit has no element for.

Everything that came from the record passes through `esc` on its way into HTML.
"""

import html
from collections.abc import Iterable, Mapping
from typing import Any

CSS = """<style>
.stMainBlockContainer { padding: 3.4rem 1.6rem 0.5rem 1.6rem; max-width: 1500px; }
.stVerticalBlock { gap: 0.55rem; }
.stApp h3 { padding: 0.2rem 0 0.3rem; margin: 0; font-size: 18px; }
.who { position: fixed; top: 17px; right: 58px; z-index: 999991; font-size: 14px; color: #5A6B7B; }
.who a, .inline a { color: #0B5C8A; text-decoration: none; font-weight: 600; }
.badge { display: inline-block; padding: 1px 8px; border-radius: 4px; font-size: 13px;
  font-weight: 600; background: #E8EEF4; color: #17212B; margin-left: 6px; white-space: nowrap; }
.badge.critical { background: #FBE9EA; color: #A4161A; }
.badge.amber { background: #FFF4DF; color: #8A5A00; }
.badge.good { background: #E3F2EF; color: #00614F; }
.badge.simulated { background: #EDE7F6; color: #4A2F87; }
.person { display: flex; align-items: baseline; gap: 4px; flex-wrap: wrap; }
.person .name { font-size: 18px; font-weight: 600; }
.facts { color: #3B4A58; font-size: 14.5px; line-height: 1.45; }
.tiles { display: grid; grid-template-columns: repeat(6, 1fr); gap: 10px; }
.tile { border: 1px solid #D5DDE5; border-radius: 6px; padding: 6px 12px 5px; }
.tile .label { font-size: 13px; color: #3B4A58; }
.tile .value { font-size: 1.4rem; line-height: 1.25; }
.tile .change { font-size: 12.5px; color: #5A6B7B; }
.card h4 { font-size: 14px; margin: 9px 0 2px; padding: 0; font-weight: 600; }
.card .small { font-size: 13px; color: #5A6B7B; }
.card .proposal { font-size: 19px; font-weight: 600; margin: 1px 0 2px; }
.card .dose { color: #B3420A; }
.card p { margin: 0 0 2px; }
.card ol, .card ul { margin: 0; padding-left: 20px; }
.card li { margin: 0; line-height: 1.4; }
.card .ok { color: #00614F; font-weight: 600; }
.card .attention { color: #8A5A00; font-weight: 600; }
.card .stop { color: #A4161A; font-weight: 600; }
.rows { width: 100%; border-collapse: collapse; font-size: 14px; }
.rows th { text-align: left; font-weight: 600; background: #E8EEF4; padding: 5px 10px; }
.rows td { padding: 5px 10px; border-bottom: 1px solid #E3E9EF; vertical-align: top; }
.rows tr.changed td { background: #FFF7F1; }
.rows td.none { color: #5A6B7B; }
.stHeading { margin-bottom: 5px; }
.chart-title { font-size: 14.5px; margin: 2px 0 -4px; }
[data-testid="InputInstructions"] { display: none; }
.gate { width: 340px; margin: 18vh auto 0; }
.gate .primary { display: block; text-align: center; background: #0B5C8A; color: #fff !important;
  padding: 10px; border-radius: 6px; text-decoration: none; font-weight: 600; }
.halted { background: #FBE9EA; color: #A4161A; border-radius: 6px; padding: 7px 12px;
  font-weight: 600; }
</style>"""


def esc(text: object) -> str:
    """Return text made harmless for HTML; a dash for None."""
    return "–" if text is None else html.escape(str(text))


def badge(text: str, tone: str = "") -> str:
    """Return a small label; tones: critical, amber, good, simulated."""
    return f'<span class="badge {esc(tone)}">{esc(text)}</span>'


def person(header: Mapping[str, Any], *badges: str) -> str:
    """Return the line that says who this is, on every page that shows a patient."""
    age = "age unknown" if header["age"] is None else f"{header['age']} y"
    simulated = badge("simulated patient", "simulated") if header["simulated"] else ""
    halted = badge("halted", "critical") if header["halted"] else ""
    marks = "".join((simulated, halted, *badges))
    return (
        f'<div class="person"><span class="name">{esc(header["name"])}</span>'
        f"<span>· {esc(age)} · {esc(header['sex'])}</span>{marks}</div>"
    )


def facts(header: Mapping[str, Any]) -> str:
    """Return conditions, regimen, target and autonomy in one line."""
    regimen = ", ".join(_drug(line) for line in header["regimen"]) or "no drugs recorded"
    conditions = ", ".join(header["conditions"]) or "no conditions recorded"
    envelope = header["envelope"]
    stage = "none signed" if envelope is None else envelope["stage"].replace("_", " ")
    parts = [esc(conditions), esc(regimen), f"target {esc(target(header['target']))}"]
    return f'<div class="facts">{" · ".join(parts)} · autonomy:{badge(stage)}</div>'


def target(goal: Mapping[str, int] | None) -> str:
    """Return "below 130/80" or that there is none."""
    if goal is None:
        return "not agreed"
    return f"below {goal['systolic_below']}/{goal['diastolic_below']}"


def tiles(items: Iterable[tuple[str, str, str]]) -> str:
    """Return figures as (label, value, note) in one row."""
    cells = "".join(
        f'<div class="tile"><div class="label">{esc(label)}</div>'
        f'<div class="value">{esc(value)}</div><div class="change">{esc(note)}&nbsp;</div></div>'
        for label, value, note in items
    )
    return f'<div class="tiles">{cells}</div>'


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a plain table; every cell is escaped. One without rows says so."""
    head = "".join(f"<th>{esc(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{esc(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    body = body or '<tr><td colspan="9" class="none">None recorded</td></tr>'
    return f'<table class="rows"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def figure(value: int | None, unit: str = "") -> str:
    """Return a number with its unit, or a dash: a missing figure is never a zero."""
    return "–" if value is None else f"{value}{unit}"


def against_before(change: int | None, unit: str = "") -> str:
    """Return "+4 vs week before"; nothing when there was no week before."""
    if change is None:
        return ""
    if change == 0:
        return "as the week before"
    return f"{change:+d}{unit} vs week before".replace("-", "−")


def when(instant: str | None) -> str:
    """Return an instant of the API as "2026-11-21 09:40 UTC"."""
    return "–" if instant is None else f"{instant[:10]} {instant[11:16]} UTC"


def moment(instant: str) -> str:
    """Return an instant to the second, for a log."""
    return f"{instant[:10]} {instant[11:19]} UTC"


def _drug(line: Mapping[str, Any]) -> str:
    paused = " (paused)" if line["paused"] else ""
    return f"{line['drug']} {line['daily_dose']}{paused}"
