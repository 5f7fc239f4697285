"""Alarms that wait for a person, most urgent first, and the brake for the whole clinic."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from clinician_app import look
from clinician_app.navigation import go, signed_in
from clinician_app.pages import parts

TONES = {"emergency": "critical", "repeat": "critical", "same_day": "amber", "queue": ""}


def show() -> None:
    """Draw every open alarm with its acknowledgement."""
    st.session_state["last_page"] = "alarms"
    listed = signed_in().client.get("/v1/alarms")
    title, again, brake = st.columns([5, 1, 2], vertical_alignment="center")
    title.subheader("Alarms")
    again.button("Refresh", icon=":material/refresh:", width="stretch")
    with brake:
        _clinic_brake(halted=listed["halted_everywhere"])
    parts.show_flash()
    if not listed["alarms"]:
        st.info("No alarm is open.")
    for alarm in listed["alarms"]:
        with st.container(border=True):
            _alarm(alarm)


def _alarm(alarm: Mapping[str, Any]) -> None:
    alarm_id = alarm["alarm_id"]
    said, note, acknowledge, patient = st.columns([4, 3, 1.2, 1], vertical_alignment="center")
    repeats = f" · raised {alarm['repeats']} times" if alarm["repeats"] > 1 else ""
    said.html(
        look.person(alarm["header"], look.badge(alarm["urgency_words"], TONES[alarm["urgency"]]))
        + f'<div class="facts"><b>{look.esc(alarm["words"])}</b> · since '
        f"{look.when(alarm['since'])}{look.esc(repeats)}</div>"
    )
    if alarm["status"] == "acknowledged":
        note.html(look.badge(f"taken by {alarm['acknowledged_by']}", "good"))
        acknowledge.button(
            "Dealt with",
            key=f"close-{alarm_id}",
            width="stretch",
            on_click=parts.act,
            args=(f"/v1/alarms/{alarm_id}/close", {}, "Alarm closed."),
        )
    else:
        note.text_input(
            "Note",
            placeholder="What you do about it",
            key=f"note-{alarm_id}",
            label_visibility="collapsed",
        )
        acknowledge.button(
            "Acknowledge",
            type="primary",
            key=f"ack-{alarm_id}",
            width="stretch",
            on_click=parts.act,
            args=(
                f"/v1/alarms/{alarm_id}/acknowledge",
                {},
                "Alarm acknowledged.",
                {"note": f"note-{alarm_id}"},
            ),
        )
    if patient.button("Patient", key=f"patient-{alarm_id}", width="stretch"):
        go("patient", patient=alarm["header"]["patient_id"])


def _clinic_brake(*, halted: bool) -> None:
    if signed_in().role != "lead":
        if halted:
            st.html('<div class="halted">Halted for the whole clinic</div>')
        return
    label, path = ("Resume the clinic", "/v1/resume") if halted else ("Halt the clinic", "/v1/halt")
    with st.popover(label, width="stretch"):
        st.write(
            "Recommendations start again for every patient."
            if halted
            else "Stops every pending recommendation of every patient at once."
        )
        st.text_input("Why", key=f"why{path}")
        st.button(
            label,
            type="primary",
            key=f"go{path}",
            on_click=parts.act,
            args=(
                path,
                {},
                "Resumed." if halted else "Everything is halted.",
                {"reason": f"why{path}"},
            ),
        )
