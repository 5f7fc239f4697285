"""Pieces that several pages draw: charts, tiles, the message after an action."""

import hashlib
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

from clinician_app import charts, look, navigation
from clinician_app.http_client import ApiDown, ClinicianClient, Refused, SignedOut

NO_TEXTS: Mapping[str, str] = MappingProxyType({})


def trend_charts(trend: Mapping[str, Any], *, days: int, trend_px: int, profile_px: int) -> None:
    """Draw the trend and the 24-hour profile."""
    st.html(
        f'<div class="chart-title"><b>{days}-day blood pressure</b> · daily median, 10–90 % band, '
        "◇ cuff reading, orange = dose change (mmHg)</div>"
    )
    if not trend["cuff"]:
        st.info("No cuff readings in this time.")
        return
    body = json.dumps(trend, sort_keys=True)
    st.vega_lite_chart(_trend_spec(body, trend_px), theme=None)
    st.html(
        '<div class="chart-title"><b>24-hour profile</b> · last 14 days, median, 25–75 % and '
        "5–95 % of the cuff readings in each hour</div>"
    )
    st.vega_lite_chart(_profile_spec(body, profile_px), theme=None)


def summary_tiles(summary: Mapping[str, Any], last_data: str) -> None:
    """Draw the six figures of the last seven days."""
    am = f"{look.figure(summary['am_systolic'])}/{look.figure(summary['am_diastolic'])}"
    pm = f"{look.figure(summary['pm_systolic'])}/{look.figure(summary['pm_diastolic'])}"
    in_target, before = summary["in_target_percent"], summary["in_target_before_percent"]
    moved = None if in_target is None or before is None else in_target - before
    st.html(
        look.tiles(
            (
                ("Morning, 7 d", am, look.against_before(summary["am_change"])),
                ("Evening, 7 d", pm, look.against_before(summary["pm_change"])),
                ("In target, 7 d", look.figure(in_target, " %"), look.against_before(moved, " %")),
                ("Day-to-day SD", look.figure(summary["day_to_day_sd"]), "14 days, mmHg"),
                (
                    "Doses taken, 28 d",
                    look.figure(summary["doses_taken_percent"], " %"),
                    "as confirmed",
                ),
                ("Last cuff reading", last_data, f"{summary['readings_7_days']} in 7 days"),
            )
        )
    )


def flash(text: str, tone: str = "success") -> None:
    """Keep a message for the next run: what an action did must survive its rerun."""
    st.session_state["flash"] = (tone, text)


def show_flash() -> None:
    """Show the kept message once.

    Its place is there without a message too: a page that shifts closes an open popover.
    """
    place = st.empty()
    kept = st.session_state.pop("flash", None)
    if kept is not None:
        tone, text = kept
        (place.success if tone == "success" else place.error)(text)


# One chart costs half a second when it is built anew and a few milliseconds from the cache. The
# whole body is the key, so one patient's chart can never be shown for another's.
@st.cache_data(max_entries=200, ttl=900, scope="session", show_spinner=False)
def _trend_spec(body: str, height_px: int) -> dict[str, Any]:
    return charts.pressure_chart(json.loads(body), height_px=height_px)


@st.cache_data(max_entries=200, ttl=900, scope="session", show_spinner=False)
def _profile_spec(body: str, height_px: int) -> dict[str, Any]:
    return charts.profile_chart(json.loads(body), height_px=height_px)


def act(path: str, body: Mapping[str, Any], done: str, texts: Mapping[str, str] = NO_TEXTS) -> None:
    """Send one POST as a button's callback and keep what came of it for the next drawing.

    `texts` maps a field to the key of the input that holds it: read now, not when the button was
    drawn, because a click is what ends the typing. The key is made from what is sent, so that a
    double click has one effect.
    """
    typed = {field: str(st.session_state.get(key) or "").strip() for field, key in texts.items()}
    if not all(typed.values()):
        flash("Fill in: " + ", ".join(name for name, text in typed.items() if not text), "error")
        return
    sent = {**body, **typed}
    if attempt(lambda client: client.post(path, sent, key=attempt_key(path, sent))) is not None:
        st.session_state["acts"] = st.session_state.get("acts", 0) + 1
        flash(done)


def attempt(
    call: Callable[[ClinicianClient], dict[str, Any]],
    when_refused: Callable[[Refused], None] = lambda refusal: None,
) -> dict[str, Any] | None:
    """Return what a call of a callback answers; None when it failed, which is then said."""
    try:
        return call(navigation.signed_in().client)
    except ApiDown:
        flash("The service did not answer. Try again: nothing will be done twice.", "error")
    except SignedOut:
        flash("Your session has ended. Nothing was changed.", "error")
    except Refused as refusal:
        flash(str(refusal), "error")
        when_refused(refusal)
    return None


def attempt_key(*sent_parts: Any) -> str:
    """Return one idempotency key for one content: a second click with the same sends the same."""
    sent = json.dumps([*sent_parts, st.session_state.get("acts", 0)], sort_keys=True)
    return hashlib.sha256(sent.encode()).hexdigest()[:40]
