"""One patient: pressures over time, medicines and labs, messages and goals, tasks, the brake."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from clinician_app import look
from clinician_app.navigation import current, go, signed_in
from clinician_app.pages import parts, record_check, together, wearable

TABS = (
    "Trends",
    "Medicines and labs",
    "Wearable",
    "Goals and messages",
    "Tasks and visit",
    "Record check",
)


def show() -> None:
    """Draw the patient that the address names."""
    st.session_state["last_page"] = "patient"
    patient_id = current("patient")
    if patient_id is None:
        st.info("Open a patient from the work-list.")
        if st.button("To the work-list", type="primary"):
            go("work-list")
        return
    client = signed_in().client
    patient = client.get(f"/v1/patients/{patient_id}")
    _head(patient)
    parts.show_flash()
    parts_column, days_column = st.columns([5, 1.4], vertical_alignment="center")
    tab = parts_column.segmented_control(
        "Part",
        TABS,
        default="Trends",
        required=True,
        key="patient_tab",
        label_visibility="collapsed",
    )
    if tab == "Trends":
        _trends(patient_id, days_column)
    elif tab == "Medicines and labs":
        _medicines(patient)
    elif tab == "Wearable":
        wearable.show(patient_id)
    elif tab == "Goals and messages":
        together.goals_and_messages(patient_id)
    elif tab == "Tasks and visit":
        together.tasks_and_visit(patient)
    else:
        record_check.show(patient)


def _head(patient: Mapping[str, Any]) -> None:
    header = patient["header"]
    who, review, envelope, audit, brake = st.columns(
        [6, 1, 1, 1, 1.4], vertical_alignment="center", gap="small"
    )
    alarms = header["open_alarms"]
    who.html(
        look.person(header, look.badge(f"open alarms: {alarms}", "critical") if alarms else "")
        + look.facts(header)
    )
    patient_id, review_id = header["patient_id"], patient["open_review_id"]
    if review.button("Review", disabled=review_id is None, width="stretch"):
        go("review", review=review_id, patient=patient_id)
    if envelope.button("Envelope", width="stretch"):
        go("envelope", patient=patient_id)
    if audit.button("Audit", width="stretch"):
        go("audit", patient=patient_id)
    with brake:
        _brake(patient_id, halted=header["halted"])


def _brake(patient_id: str, *, halted: bool) -> None:
    label, verb = ("Resume", "resume") if halted else ("Halt", "halt")
    with st.popover("Resume" if halted else "Halt recommendations", width="stretch"):
        st.write(
            "Recommendations start again."
            if halted
            else "Stops all pending advice and proposals for this patient at once."
        )
        reason_key = f"brake-{patient_id}-{verb}"
        st.text_input("Why", key=reason_key)
        st.button(
            label,
            type="primary",
            key=f"brake-go-{patient_id}-{verb}",
            on_click=parts.act,
            args=(
                f"/v1/patients/{patient_id}/{verb}",
                {},
                "Recommendations resumed." if halted else "Recommendations halted.",
                {"reason": reason_key},
            ),
        )


def _trends(patient_id: str, days_column: Any) -> None:
    days = days_column.segmented_control(
        "Days",
        (30, 60, 90),
        default=30,
        required=True,
        key="trend_days",
        format_func=lambda value: f"{value} days",
        label_visibility="collapsed",
    )
    trend = signed_in().client.get(f"/v1/patients/{patient_id}/trend", days=days or 30)
    parts.summary_tiles(trend["summary"], trend["last_data"])
    parts.trend_charts(trend, days=days or 30, trend_px=330, profile_px=160)


def _medicines(patient: Mapping[str, Any]) -> None:
    header = patient["header"]
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Blood-pressure drugs")
        st.html(
            look.table(
                ("Drug", "Daily dose", "Times a day", "Since", "Tablets in hand"),
                (
                    (
                        line["drug"] + (" (paused)" if line["paused"] else ""),
                        line["daily_dose"],
                        line["times_a_day"],
                        line["since"][:10],
                        line["tablets_in_hand"],
                    )
                    for line in header["regimen"]
                ),
            )
        )
        st.subheader("Other medicines and intolerances")
        st.html(look.table(("Other medicines",), ((name,) for name in patient["other_medicines"])))
        st.html(look.table(("Intolerances",), ((name,) for name in patient["intolerances"])))
    with right:
        st.subheader("Laboratory results")
        st.html(
            look.table(
                ("Test", "Value", "Taken", "Age"),
                (
                    (lab["lab"], lab["value"], lab["taken_at"][:10], lab["age"])
                    for lab in patient["labs"]
                ),
            )
        )
        st.subheader("Symptoms")
        _symptoms(patient)


def _symptoms(patient: Mapping[str, Any]) -> None:
    if not patient["symptoms"]:
        st.caption("None reported.")
    for symptom in patient["symptoms"]:
        said, act = st.columns([3, 1], vertical_alignment="center")
        state = "open" if symptom["open"] else "closed"
        said.html(
            f"{look.esc(symptom['words'])} · {look.when(symptom['reported_at'])} "
            + look.badge(state, "amber" if symptom["open"] else "")
        )
        if symptom["open"]:
            act.button(
                "Close",
                key=f"symptom-{symptom['symptom_id']}",
                on_click=parts.act,
                args=(
                    f"/v1/patients/{patient['header']['patient_id']}/symptoms/"
                    f"{symptom['symptom_id']}/close",
                    {},
                    "Symptom closed.",
                ),
            )
