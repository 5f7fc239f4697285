"""The record check: what a clinician confirms about an imported record. Unknown stays unknown."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from clinician_app.pages import parts

PREGNANCY = {
    None: "Not known",
    "not_applicable": "Not applicable (menopause or sterilisation)",
    "not_pregnant": "Not pregnant",
    "possible": "Possible, no protection",
    "trying": "Trying to conceive",
    "pregnant": "Pregnant",
}
LISTS = {
    "conditions_complete": "The list of conditions is complete",
    "intolerances_complete": "The list of intolerances is complete",
    "medicines_complete": "The list of medicines is complete",
}


def show(patient: Mapping[str, Any]) -> None:
    """Draw the form; only what is ticked or filled in is sent."""
    if patient["unknowns"]:
        st.warning("Not known yet: " + ", ".join(patient["unknowns"]))
    patient_id, target = patient["header"]["patient_id"], patient["header"]["target"]
    with st.form(f"record-check-{patient_id}"):
        confirmed = {name: st.checkbox(label) for name, label in LISTS.items()}
        pregnancy = st.selectbox(
            "Pregnancy",
            list(PREGNANCY),
            format_func=PREGNANCY.__getitem__,
            index=list(PREGNANCY).index(patient["pregnancy"]),
        )
        left, right = st.columns(2)
        systolic = left.number_input(
            "Target: systolic below (mmHg)",
            110,
            160,
            step=5,
            value=None if target is None else target["systolic_below"],
        )
        diastolic = right.number_input(
            "Target: diastolic below (mmHg)",
            65,
            100,
            step=5,
            value=None if target is None else target["diastolic_below"],
        )
        if not st.form_submit_button("Confirm", type="primary"):
            return
    body: dict[str, Any] = {name: True for name, ticked in confirmed.items() if ticked}
    if pregnancy is not None:
        body["pregnancy"] = pregnancy
    if systolic is not None and diastolic is not None:
        body["target"] = {"systolic_below": int(systolic), "diastolic_below": int(diastolic)}
    parts.act(f"/v1/patients/{patient_id}/reconcile", body, "Record check saved.")
    st.rerun()
