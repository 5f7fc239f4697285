"""The work-list: who needs a clinician, most urgent first.

Wrong-patient hazard: a table remembers the *position* of a click. If the list were fetched again
between view and click, the same position would be another patient. So the shown list is frozen
until the clinician asks for a new one, the table's key is a hash of the ids in their order, and
the next page is opened by id.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from clinician_app import look
from clinician_app.navigation import go, signed_in

Row = Mapping[str, Any]
FILTERS: dict[str, Callable[[Row], bool]] = {
    "All": lambda row: True,
    "Red flags": lambda row: row["tier"] == "red_flag",
    "Overdue": lambda row: row["tier"] == "overdue",
    "Proposals": lambda row: row["review_id"] is not None,
    "No data": lambda row: row["tier"] == "no_data",
}
SPARK_MMHG = (110, 170)
TIER_MARK = {"red_flag": "‼ ", "overdue": "⚠ ", "proposal": "", "no_data": "", "steady": ""}


def show() -> None:
    """Draw the list; open the review, or else the patient, of a chosen row."""
    listed = _frozen_list()
    _head(listed)
    rows = _filtered(listed["rows"])
    if not rows:
        st.info("No patient is in this list.")
        return
    chosen = _table(rows)
    if chosen is not None:
        _open(rows[chosen])


def ordered_key(rows: Sequence[Row]) -> str:
    """Return a key that changes when any row changes its place."""
    ids = "\n".join(row["patient_id"] for row in rows)
    return f"worklist-{hashlib.sha256(ids.encode()).hexdigest()[:16]}"


def _frozen_list() -> dict[str, Any]:
    """The list as it was fetched last; a new one on arrival at the page and on request."""
    arrived = st.session_state.get("last_page") != "work-list"
    st.session_state["last_page"] = "work-list"
    if arrived or "worklist" not in st.session_state:
        _fetch()
    listed: dict[str, Any] = st.session_state["worklist"]
    return listed


def _fetch() -> None:
    st.session_state["worklist"] = signed_in().client.get("/v1/worklist")


def _head(listed: Mapping[str, Any]) -> None:
    left, *figures = st.columns([3, 1, 1, 1, 1], vertical_alignment="bottom")
    count = len(listed["rows"])
    as_of = look.when(listed["as_of"])[11:]
    left.html(
        f'<h3>Work-list</h3><div class="facts">{count} patients · as of {as_of} · '
        "the order stands still until you refresh it</div>"
    )
    if listed["halted_everywhere"]:
        st.html('<div class="halted">All recommendations are halted for the whole clinic.</div>')
    labels = ("Overdue", "Due in 4 h", "AI proposals open", "No reading for 3 d")
    names = ("overdue", "due_in_4_hours", "proposals_open", "silent")
    for column, label, name in zip(figures, labels, names, strict=True):
        column.metric(label, listed[name])


def _filtered(rows: Sequence[Row]) -> list[Row]:
    search, tiers, again = st.columns([3, 5, 1], vertical_alignment="bottom")
    typed = search.text_input(
        "Name", placeholder="Name", label_visibility="collapsed", key="worklist_name"
    )
    chosen = tiers.segmented_control(
        "Show",
        list(FILTERS),
        default="All",
        required=True,
        label_visibility="collapsed",
        key="worklist_filter",
    )
    again.button("Refresh", icon=":material/refresh:", on_click=_refresh, width="stretch")
    wanted = (typed or "").strip().lower()
    keeps = FILTERS[chosen or "All"]
    return [row for row in rows if keeps(row) and wanted in row["name"].lower()]


def _refresh() -> None:
    st.session_state.pop("worklist", None)


def _table(rows: Sequence[Row]) -> int | None:
    event = st.dataframe(
        _columns(rows),
        column_config=_column_config(),
        hide_index=True,
        height=min(720, 38 + 35 * len(rows)),
        row_height=35,
        placeholder="–",
        key=ordered_key(rows),
        on_select="rerun",
        selection_mode="single-row",
    )
    selected = event["selection"]["rows"]
    return selected[0] if selected else None


def _columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {
        "due": [TIER_MARK[row["tier"]] + row["due"] for row in rows],
        "why": [row["why"] for row in rows],
        "patient": [_patient(row) for row in rows],
        "am": [row["am_systolic"] for row in rows],
        "pm": [row["pm_systolic"] for row in rows],
        # A sparkline knows no gaps: days without readings are left out, not filled in.
        # Outside its bounds it would change its scale, so the values are held inside them.
        "spark": [[_within(x) for x in row["spark"] if x is not None] for row in rows],
        "in_target": [row["in_target_percent"] for row in rows],
        "taken": [row["doses_taken_percent"] for row in rows],
        "proposal": [row["proposal"] for row in rows],
        "certainty": [row["certainty"] for row in rows],
        "data": [row["last_data"] for row in rows],
    }


def _within(systolic_mmhg: int) -> int:
    return max(SPARK_MMHG[0], min(SPARK_MMHG[1], systolic_mmhg))


def _column_config() -> dict[str, Any]:
    column = st.column_config
    return {
        "due": column.TextColumn("Due", width=100),
        "why": column.TextColumn("Why", width=190),
        "patient": column.TextColumn("Patient", width=190),
        "am": column.NumberColumn("AM mmHg", width=70),
        "pm": column.NumberColumn("PM mmHg", width=70),
        "spark": column.LineChartColumn(
            "30-day systolic", width=170, y_min=SPARK_MMHG[0], y_max=SPARK_MMHG[1]
        ),
        "in_target": column.NumberColumn("In target", format="%d%%", width=70),
        "taken": column.NumberColumn("Doses taken", format="%d%%", width=85),
        "proposal": column.TextColumn("AI proposal", width=215),
        "certainty": column.TextColumn("Certainty", width=80),
        "data": column.TextColumn("Last data", width=75),
    }


def _patient(row: Row) -> str:
    age = "?" if row["age"] is None else row["age"]
    return f"{row['name']}, {age}{' (simulated)' if row['simulated'] else ''}"


def _open(row: Row) -> None:
    st.session_state["last_page"] = None
    if row["review_id"] is not None:
        go("review", review=row["review_id"], patient=row["patient_id"])
    go("patient", patient=row["patient_id"])
