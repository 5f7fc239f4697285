"""The audit timeline of one patient: who did what, when, signed how, sealed where."""

import streamlit as st

from clinician_app import look
from clinician_app.navigation import current, go, signed_in


def show() -> None:
    """Draw the timeline of the patient that the address names."""
    st.session_state["last_page"] = "audit"
    patient_id = current("patient")
    if patient_id is None:
        st.info("Open a patient from the work-list.")
        return
    who, everything, back = st.columns([5, 1.4, 1], vertical_alignment="center")
    reads = "true" if everything.toggle("Show who looked") else "false"
    timeline = signed_in().client.get(f"/v1/patients/{patient_id}/timeline", reads=reads)
    who.html(look.person(timeline["header"]))
    if back.button("Patient", width="stretch"):
        go("patient", patient=patient_id)
    st.html(
        '<div class="facts">Newest first. A leaf number means that the event is sealed in the '
        "tamper-evident log; a dash means that it waits for the sealer (about a second).</div>"
    )
    st.html(
        look.table(
            ("When", "Who", "What", "Record", "Outcome", "Signature", "Leaf"),
            (
                (
                    look.moment(event["at"]),
                    event["who"],
                    event["words"],
                    event["subject"],
                    event["outcome"],
                    event["signature"] or "",
                    event["leaf_index"],
                )
                for event in timeline["events"]
            ),
        )
    )
