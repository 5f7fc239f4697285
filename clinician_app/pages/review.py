"""One review: what is proposed and why, beside the patient's pressures; decide and sign.

What is shown is frozen with its version until it is signed, refused or read again, so that a
signature always belongs to what was on the screen.
"""

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from clinician_app import look
from clinician_app.navigation import current, go, signed_in
from clinician_app.pages import decision_form, parts


def show() -> None:
    """Draw the review that the address names."""
    review_id = current("review")
    if review_id is None:
        _choose()
        return
    answer = _frozen(review_id)
    review = answer.body
    st.session_state["current_patient"] = review["header"]["patient_id"]
    left, right = st.columns([2.15, 1], gap="medium")
    with left:
        _patient(review)
    with right, st.container(border=True, key="review_card"):
        st.html(_proposal(review))
        if review["line"]["status"] == "closed":
            _closed(review)
        else:
            decision_form.show(review, etag=answer.etag, shown_at=_shown_at(review_id))
        _explanation(review)
        _evidence(review, answer.etag)


def _frozen(review_id: str) -> Any:
    arrived = st.session_state.get("last_page") != "review"
    st.session_state["last_page"] = "review"
    kept = st.session_state.get("shown_review")
    if arrived or kept is None or kept["id"] != review_id:
        answer = signed_in().client.read(f"/v1/reviews/{review_id}")
        kept = {"id": review_id, "answer": answer, "shown_at": time.monotonic()}
        st.session_state["shown_review"] = kept
    return kept["answer"]


def _shown_at(review_id: str) -> float:
    kept = st.session_state["shown_review"]
    return float(kept["shown_at"]) if kept["id"] == review_id else time.monotonic()


def _choose() -> None:
    st.info("Open a review from the work-list.")
    if st.button("To the work-list", type="primary"):
        go("work-list")


def _patient(review: Mapping[str, Any]) -> None:
    header, trend = review["header"], review["trend"]
    overdue = review["due"].startswith("overdue")
    due = "decided" if review["line"]["status"] == "closed" else f"review due {review['due']}"
    st.html(
        look.person(
            header,
            look.badge(due.replace("due overdue", "overdue"), "critical" if overdue else "amber"),
        )
        + look.facts(header)
    )
    parts.summary_tiles(trend["summary"], trend["last_data"])
    parts.trend_charts(trend, days=30, trend_px=360, profile_px=185)


def _proposal(review: Mapping[str, Any]) -> str:
    proposal = review["proposal"]
    if proposal is None:
        body = '<div class="proposal">No proposal</div><p>A clinician was asked without one.</p>'
    else:
        body = _proposed(proposal)
    return (
        '<div class="card"><span class="small">AI proposal · '
        f"{look.esc(review['cause'])}</span>{body}{_arguments(review)}{_checks(review)}</div>"
    )


def _proposed(proposal: Mapping[str, Any]) -> str:
    percent = proposal["certainty_percent"]
    certainty = look.esc(proposal["certainty"])
    number = "" if percent is None else f", {percent} %"
    expected = look.esc(proposal["expected"] or "No expectation stated")
    model = look.esc(proposal["model"])
    return (
        f'<div class="proposal dose">{look.esc(proposal["words"])}</div>'
        f"<p>{expected} · certainty <b>{certainty}{number}</b></p>"
        f'<p class="small">{model}</p>'
    )


def _arguments(review: Mapping[str, Any]) -> str:
    pro = "".join(f"<li>{look.esc(text)}</li>" for text in review["pro"])
    contra = "".join(f"<li>{look.esc(text)}</li>" for text in review["contra"])
    return (
        f"<h4>For</h4><ol>{pro or '<li>Nothing recorded</li>'}</ol>"
        f"<h4>Against or missing</h4><ul>{contra or '<li>Nothing recorded</li>'}</ul>"
    )


def _checks(review: Mapping[str, Any]) -> str:
    spoke = review["checks"]
    tone = "stop" if any(check["strength"] == "hard" for check in spoke) else "attention"
    attention = f' · <span class="{tone}">⚠ {len(spoke)} need attention</span>' if spoke else ""
    passed = f'<span class="ok">✓ {review["checks_passed"]} safety checks passed</span>'
    listed = "".join(f"<li>{look.esc(check['words'])}</li>" for check in spoke[:3])
    return f"<h4>{passed}{attention}</h4><ul>{listed}</ul>"


def _explanation(review: Mapping[str, Any]) -> None:
    told = "".join(
        f"<h4>{look.esc(part['heading'])}</h4><ul>"
        + "".join(f"<li>{look.esc(line)}</li>" for line in part["lines"])
        + "</ul>"
        for part in review["explanation"]
    )
    if told:
        with st.expander("Why this move, and not the next one"):
            st.html(f'<div class="card">{told}</div>')


def _evidence(review: Mapping[str, Any], etag: str | None) -> None:
    proposal, envelope = review["proposal"], review["header"]["envelope"]
    signed = "none" if envelope is None else f"version {envelope['version']}"
    rows = (
        ("Judged on data of", look.when(review["snapshot_as_of"])),
        ("Shown on data of", look.when(review["as_of"])),
        ("Model", "none" if proposal is None else proposal["model"]),
        ("Model kept out because", None if proposal is None else proposal["abstained"]),
        ("Features", review["feature_version"]),
        ("Envelope", signed),
        ("Review", f"{review['line']['review_id'][:8]}, version {(etag or '').strip(chr(34))}"),
    )
    with st.expander("Evidence, model and data window"):
        st.html(look.table(("", ""), rows))


def _closed(review: Mapping[str, Any]) -> None:
    parts.show_flash()
    decided = review["decision"] or "This review is closed."
    st.html(f'<div class="card"><h4>Decision</h4><p>{look.esc(decided)}</p></div>')
    audit, following = st.columns(2)
    if audit.button("Audit timeline", width="stretch"):
        go("audit", patient=review["header"]["patient_id"])
    if following.button("Work-list", type="primary", width="stretch"):
        go("work-list")
