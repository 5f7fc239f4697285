"""Decide and sign: nothing chosen beforehand, a coded reason, the password again.

The signature carries the version that was shown (If-Match) and one key for each attempt, so that
a double click signs once and a changed review is refused.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from clinician_app import look
from clinician_app.http_client import Refused
from clinician_app.navigation import signed_in
from clinician_app.pages import parts

REASONS = {
    "labs_first": "Labs first",
    "symptoms_or_hypotension": "Symptoms or low pressure",
    "frailty_or_falls": "Frailty or falls",
    "adherence_first": "Adherence first",
    "data_not_trusted": "Data not trusted",
    "patient_preference": "Patient's preference",
    "specialist_plan": "Specialist has another plan",
    "other": "Other (write it)",
}
KINDS = {"accept": "Accept", "modify": "Modify", "reject": "Reject", "defer": "Defer"}
DEFERRALS_DAYS = {1: "until tomorrow", 3: "for 3 days", 7: "for 7 days", 14: "for 14 days"}
REJECT_DEFER = ("reject", "defer")


def show(review: Mapping[str, Any], *, etag: str | None, shown_at: float) -> None:
    """Draw the form below the proposal."""
    parts.show_flash()
    review_id = review["line"]["review_id"]
    kinds = [kind for kind in KINDS if review["proposal"] is not None or kind != "accept"]
    kind = st.segmented_control(
        "Your decision",
        kinds,
        format_func=KINDS.__getitem__,
        default=None,
        key=f"kind-{review_id}",
        width="stretch",
    )
    if kind is None:
        st.html(
            '<div class="card"><p class="small">Choose one. Nothing is chosen for you.</p></div>'
        )
        return
    wanted, complete = _fields(review, kind, review_id)
    _sign(review, wanted, complete, etag=etag, shown_at=shown_at)


def _fields(review: Mapping[str, Any], kind: str, review_id: str) -> tuple[dict[str, Any], bool]:
    """The fields that this kind of decision needs, and whether all are filled in."""
    wanted: dict[str, Any] = {"kind": kind}
    complete = True
    reason_column, second = st.columns(2) if kind in ("modify", "defer") else (st.container(), None)
    if kind == "modify" and second is not None:
        wanted["move_id"] = _choose_move(review, second, review_id)
        complete = wanted["move_id"] is not None
    if kind == "defer" and second is not None:
        wanted["defer_until"] = _choose_time(review, second, review_id)
        complete = wanted["defer_until"] is not None
    if kind != "accept":
        complete = _reason(reason_column, wanted, review_id) and complete
    return wanted, _overrides(review, wanted, review_id) and complete


def _choose_move(review: Mapping[str, Any], column: Any, review_id: str) -> str | None:
    words = {option["move_id"]: option["words"] for option in review["options"]}
    chosen: str | None = column.selectbox(
        "New dose",
        list(words),
        index=None,
        format_func=words.__getitem__,
        placeholder="Choose a dose",
        key=f"move-{review_id}",
        label_visibility="collapsed",
    )
    return chosen


def _choose_time(review: Mapping[str, Any], column: Any, review_id: str) -> str | None:
    days: int | None = column.selectbox(
        "Until",
        list(DEFERRALS_DAYS),
        index=None,
        format_func=DEFERRALS_DAYS.__getitem__,
        placeholder="For how long",
        key=f"until-{review_id}",
        label_visibility="collapsed",
    )
    if days is None:
        return None
    return (datetime.fromisoformat(review["as_of"]) + timedelta(days=days)).isoformat()


def _reason(column: Any, wanted: dict[str, Any], review_id: str) -> bool:
    code = column.selectbox(
        "Reason",
        list(REASONS),
        index=None,
        format_func=REASONS.__getitem__,
        placeholder="Choose a reason",
        key=f"reason-{review_id}",
        label_visibility="collapsed",
    )
    wanted["reason_code"] = code
    if code != "other":
        return code is not None
    st.text_input(
        "In words",
        placeholder="What is the reason?",
        key=f"text-{review_id}",
        label_visibility="collapsed",
    )
    return True


def _overrides(review: Mapping[str, Any], wanted: dict[str, Any], review_id: str) -> bool:
    """Rules that a clinician may pass need a coded reason each; hard rules stop the signature."""
    chosen = _chosen_checks(review, wanted)
    hard = [check for check in chosen if check["strength"] == "hard"]
    for check in hard:
        st.html(f'<div class="card"><p class="stop">⛔ {look.esc(check["words"])}</p></div>')
    wanted["overrides"] = [
        {"rule_id": check["rule_id"], "reason_code": _override(check, review_id)}
        for check in chosen
        if check["may_override"]
    ]
    given = all(override["reason_code"] is not None for override in wanted["overrides"])
    return given and not hard


def _chosen_checks(review: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    if wanted["kind"] == "accept":
        return list(review["checks"])
    for option in review["options"]:
        if option["move_id"] == wanted.get("move_id"):
            return list(option["checks"])
    return []


def _override(check: Mapping[str, Any], review_id: str) -> str | None:
    code: str | None = st.selectbox(
        f"Pass this check: {check['words']}",
        list(REASONS)[:-1],
        index=None,
        format_func=REASONS.__getitem__,
        placeholder="Reason to pass it",
        key=f"override-{review_id}-{check['rule_id']}",
    )
    return code


def _sign(
    review: Mapping[str, Any],
    wanted: dict[str, Any],
    complete: bool,
    *,
    etag: str | None,
    shown_at: float,
) -> None:
    review_id = review["line"]["review_id"]
    clinician = signed_in()
    password_column, button_column = st.columns([1.25, 1], vertical_alignment="bottom")
    password_key = f"password-{review_id}"
    password_column.text_input(
        "Password",
        type="password",
        placeholder="Your password again",
        key=password_key,
        label_visibility="collapsed",
        autocomplete="current-password",
    )
    button_column.button(
        f"Sign: {KINDS[wanted['kind']].lower()}",
        type="primary",
        key=f"sign-{review_id}",
        disabled=not complete,
        width="stretch",
        icon=":material/signature:",
        on_click=_send,
        args=(review_id, wanted, etag, shown_at, password_key),
    )
    st.html(
        f'<div class="card"><p class="small">Signed as {look.esc(clinician.display_name)}, with '
        "date and time. It means: I reviewed this proposal and decide as shown.</p></div>"
    )


def _send(
    review_id: str,
    wanted: dict[str, Any],
    etag: str | None,
    shown_at: float,
    password_key: str,
) -> None:
    """Sign. Runs before the page is drawn again, so its outcome is kept for that drawing.

    What was typed is read here: the click is what ends the typing.
    """
    password = st.session_state.get(password_key) or ""
    st.session_state[password_key] = ""
    if wanted.get("reason_code") == "other":
        text = (st.session_state.get(f"text-{review_id}") or "").strip()
        wanted = {**wanted, "reason_text": text or None}
    if not password:
        parts.flash("Enter your password to sign.", "error")
        return
    key, dwell_s = _attempt(review_id, wanted, etag, shown_at)
    body = {**wanted, "password": password, "dwell_s": dwell_s}
    path = f"/v1/reviews/{review_id}/decision"
    outcome = parts.attempt(
        lambda client: client.post(path, body, key=key, if_match=etag), _forget_if_stale
    )
    if outcome is not None:
        parts.flash(outcome["message"])
        st.session_state.pop("shown_review", None)


def _forget_if_stale(refusal: Refused) -> None:
    """Read the review again when it is no longer what was shown."""
    if refusal.code in ("version_changed", "no_longer_open"):
        st.session_state.pop("shown_review", None)


def _attempt(
    review_id: str, wanted: Mapping[str, Any], etag: str | None, shown_at: float
) -> tuple[str, int]:
    """Return key and dwell of this attempt: the same for the same choice of the same display."""
    print_ = json.dumps([review_id, wanted, etag, shown_at], sort_keys=True)
    key = hashlib.sha256(print_.encode()).hexdigest()[:40]
    kept = st.session_state.get("attempt")
    if kept is None or kept[0] != key:
        kept = (key, round(time.monotonic() - shown_at))
        st.session_state["attempt"] = kept
    return kept
