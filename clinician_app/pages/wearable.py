"""The wearable's part of the patient's page: context beside the cuff, plainly apart from it."""

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from clinician_app import look
from clinician_app.navigation import signed_in

NOTICE = (
    "Context only. Nothing on this page is a blood-pressure reading, counts in an average or can "
    "move a dose: only cuff readings do."
)


def show(patient_id: str) -> None:
    """Draw what the wearable says of this patient."""
    said = signed_in().client.get(f"/v1/patients/{patient_id}/wearable")
    st.info(NOTICE)
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Day and night")
        st.html(look.table(("Measure", "Value"), _rows(said["course"])))
        st.caption(
            "Irregular rhythm last flagged: "
            + look.when(said["irregular_rhythm_at"])
            + f" · meaning of the figures: {said['version'] or 'not worn'}"
        )
    with right:
        st.subheader("Beyond the cuff?")
        st.write(said["pressure_words"])
        st.html(look.table(("Measure", "Value"), _rows(said["pressure"])))
        st.subheader("Pulse arrival time by day")
        st.html(
            look.table(
                ("Day", "Median, ms"),
                ((line["day"], line["arrival_ms"]) for line in said["arrival"]),
            )
        )


def _rows(lines: Iterable[Mapping[str, Any]]) -> Iterable[tuple[object, object]]:
    return ((line["label"], line["value"]) for line in lines)
