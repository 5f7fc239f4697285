"""What patient and clinician share: goals, messages, tasks, the next visit."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import streamlit as st

from clinician_app import look
from clinician_app.navigation import signed_in
from clinician_app.pages import parts


def goals_and_messages(patient_id: str) -> None:
    """Draw goals at the left and messages at the right."""
    client = signed_in().client
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Goals")
        for goal in client.get(f"/v1/patients/{patient_id}/goals")["goals"]:
            _goal(goal)
        _write("Propose a goal", f"/v1/patients/{patient_id}/goals", "goal", "Goal proposed.")
    with right:
        st.subheader("Messages")
        for message in client.get(f"/v1/patients/{patient_id}/messages")["messages"]:
            who = "Patient" if message["from_kind"] == "patient" else "Clinic"
            st.html(
                f"<b>{look.esc(who)}</b> · {look.when(message['sent_at'])}<br>"
                f"{look.esc(message['text'])}"
            )
        _write("Write to the patient", f"/v1/patients/{patient_id}/messages", "message", "Sent.")


def tasks_and_visit(patient: Mapping[str, Any]) -> None:
    """Draw open tasks at the left and the next visit at the right."""
    patient_id = patient["header"]["patient_id"]
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Tasks")
        tasks = signed_in().client.get(f"/v1/patients/{patient_id}/tasks")["tasks"]
        if not tasks:
            st.caption("Nothing to do.")
        for task in tasks:
            _task(task)
    with right:
        st.subheader("Next visit")
        st.write(look.when(patient["next_visit_at"]) if patient["next_visit_at"] else "Not planned")
        _visit(patient_id)


def _goal(goal: Mapping[str, Any]) -> None:
    said, agree, decline = st.columns([4, 1, 1], vertical_alignment="center")
    tone = {"agreed": "good", "declined": "critical"}.get(goal["status"], "amber")
    said.html(f"{look.esc(goal['text'])}{look.badge(goal['status'], tone)}")
    if not goal["waits_for_clinician"]:
        return
    path = f"/v1/goals/{goal['goal_id']}/answer"
    agree.button(
        "Agree",
        key=f"agree-{goal['goal_id']}",
        on_click=parts.act,
        args=(path, {"agree": True}, "Goal agreed."),
    )
    decline.button(
        "Decline",
        key=f"decline-{goal['goal_id']}",
        on_click=parts.act,
        args=(path, {"agree": False}, "Goal declined."),
    )


def _task(task: Mapping[str, Any]) -> None:
    said, act = st.columns([4, 1], vertical_alignment="center")
    due = f" · due {task['due_at'][:10]}" if task["due_at"] else ""
    said.html(f"<b>{look.esc(task['words'])}</b>{look.esc(due)}<br>{look.esc(task['note'] or '')}")
    act.button(
        "Done",
        key=f"task-{task['task_id']}",
        on_click=parts.act,
        args=(f"/v1/tasks/{task['task_id']}/done", {}, "Task done."),
    )


def _write(label: str, path: str, name: str, done: str) -> None:
    key = f"{name}-{path}"
    st.text_area(label, key=key, max_chars=2000, height=80)
    st.button(
        "Send",
        key=f"send-{key}",
        on_click=_send_text,
        args=(path, key, done),
    )


def _send_text(path: str, key: str, done: str) -> None:
    parts.act(path, {}, done, {"text": key})
    # An empty box is what keeps the second click of a double click from sending again.
    st.session_state[key] = ""


def _visit(patient_id: str) -> None:
    day: date | None = st.date_input("Day", value=None, key=f"visit-{patient_id}")
    hour: time | None = st.time_input("Time (UTC)", value=time(9), key=f"visit-time-{patient_id}")
    if day is None or hour is None:
        return
    at = datetime.combine(day, hour, UTC).isoformat()
    st.button(
        "Plan this visit",
        type="primary",
        on_click=parts.act,
        args=(f"/v1/patients/{patient_id}/visit", {"at": at}, "Visit planned."),
    )
