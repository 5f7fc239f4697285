"""The pages, in the order of the menu. Each module has one `show`."""

import streamlit as st
from streamlit.navigation.page import Page

from clinician_app.pages import alarms, audit, envelope, patient, review, worklist


def build() -> dict[str, Page]:
    """Return the pages of one script run, by the name that `navigation.go` knows them by."""
    rows = (
        ("work-list", worklist.show, "Work-list", "checklist"),
        ("review", review.show, "Review", "rate_review"),
        ("patient", patient.show, "Patient", "monitor_heart"),
        ("envelope", envelope.show, "Envelope", "shield"),
        ("alarms", alarms.show, "Alarms", "notifications"),
        ("audit", audit.show, "Audit", "history"),
    )
    return {
        name: st.Page(
            show,
            title=title,
            icon=f":material/{icon}:",
            url_path=name,
            default=name == "work-list",
        )
        for name, show, title, icon in rows
    }
