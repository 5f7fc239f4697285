"""The envelope: what this patient may do alone, until when. Edit, compare, sign, revoke."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import streamlit as st

from clinician_app import envelope_words, look
from clinician_app.navigation import current, go, signed_in
from clinician_app.pages import parts
from services.clinical.envelope import Stage, StopCondition
from services.clinical.units import Micrograms, format_dose

STAGES = {
    Stage.OBSERVE: "Observe: no proposals at all",
    Stage.PROPOSE_ONLY: "Propose only: a clinician decides every step",
    Stage.ONE_STEP: "One step, reviewed by a clinician the next day",
    Stage.BOUNDED_STEPS: "Bounded steps inside these limits",
}
# A plan lasts six months at most. Source: CLINICAL §5, plan expires at 6 months [D].
LONGEST_DAYS = 182


def show() -> None:
    """Draw the editor of the patient that the address names."""
    st.session_state["last_page"] = "envelope"
    patient_id = current("patient")
    if patient_id is None:
        st.info("Open a patient from the work-list.")
        return
    shown = signed_in().client.get(f"/v1/patients/{patient_id}/envelope")
    who, back = st.columns([6, 1], vertical_alignment="center")
    who.html(look.person(shown["header"], _state(shown)) + look.facts(shown["header"]))
    if back.button("Patient", width="stretch"):
        go("patient", patient=patient_id)
    parts.show_flash()
    editor, comparison = st.columns([1.45, 1], gap="medium")
    with editor:
        wanted = _editor(shown, patient_id)
    with comparison, st.container(border=True):
        _compare_and_sign(shown, wanted, patient_id)
        _history(patient_id)


def _state(shown: Mapping[str, Any]) -> str:
    if shown["terms"] is None:
        return look.badge("no envelope signed", "amber")
    if shown["revoked"]:
        return look.badge(f"version {shown['version']} revoked", "critical")
    tone = "good" if shown["valid"] else "critical"
    until = shown["terms"]["expires_at"][:10]
    badges = look.badge(f"version {shown['version']} until {until}", tone)
    if shown["lowered_by"]:
        stage = shown["terms"]["stage"].replace("_", " ")
        why = ", ".join(name.replace("_", " ") for name in shown["lowered_by"])
        badges += look.badge(f"lowered by itself to {stage}: {why}", "amber")
    return badges


def _editor(shown: Mapping[str, Any], patient_id: str) -> dict[str, Any]:
    terms = shown["terms"] or shown["suggested"]
    st.subheader("What the patient may do alone")
    stage = st.selectbox(
        "Stage",
        list(STAGES),
        index=list(STAGES).index(Stage(terms["stage"])),
        format_func=STAGES.__getitem__,
        key=f"stage-{patient_id}",
    )
    bounds = _bounds(shown, terms, patient_id)
    limits = _limits(terms, patient_id)
    stops = st.multiselect(
        "Stops at once when",
        list(StopCondition),
        default=[StopCondition(code) for code in terms["stop_conditions"]],
        format_func=lambda code: code.value.replace("_", " "),
        key=f"stops-{patient_id}",
    )
    old = st.checkbox(
        "May act alone at 80 years and over",
        value=terms["allow_age_80_and_over"],
        key=f"old-{patient_id}",
    )
    return {
        "stage": stage.value,
        "bounds": bounds,
        **limits,
        "max_step_rungs": 1,
        "stop_conditions": sorted(code.value for code in stops),
        "allow_age_80_and_over": old,
        "expires_at": _expiry(shown, terms, patient_id),
    }


def _bounds(
    shown: Mapping[str, Any], terms: Mapping[str, Any], patient_id: str
) -> list[dict[str, Any]]:
    """Rungs of the drugs in the regimen and of those already in the envelope, two in a row."""
    signed = {bound["drug"]: bound["rungs_ug"] for bound in terms["bounds"]}
    offered = [c for c in shown["choices"] if c["current_ug"] is not None or c["drug"] in signed]
    if not offered:
        st.caption("No drug of the formulary is in the regimen.")
    columns = st.columns(2)
    bounds = []
    for index, choice in enumerate(offered):
        drug = choice["drug"]
        taken = choice["current_ug"]
        now = "not taken now" if taken is None else f"now {format_dose(Micrograms(taken))}"
        rungs = columns[index % 2].multiselect(
            f"{drug.capitalize()}, daily dose ({now})",
            choice["rungs_ug"],
            default=[rung for rung in signed.get(drug, []) if rung in choice["rungs_ug"]],
            format_func=lambda rung: format_dose(Micrograms(rung)),
            placeholder="Not in the envelope",
            key=f"rungs-{patient_id}-{drug}",
        )
        if rungs:
            bounds.append({"drug": drug, "rungs_ug": sorted(rungs)})
    return bounds


def _limits(terms: Mapping[str, Any], patient_id: str) -> dict[str, Any]:
    rows = (
        ("systolic_below", "Systolic below", 110, 160, terms["target"]["systolic_below"]),
        ("diastolic_below", "Diastolic below", 65, 100, terms["target"]["diastolic_below"]),
        ("steps_allowed", "Steps allowed", 0, 3, terms["steps_allowed"]),
        ("min_interval_days", "Days between steps", 28, 180, terms["min_interval_days"]),
        ("egfr", "eGFR at least", 30, 120, terms["egfr_at_least_thousandths"] // 1000),
        ("lab_max_age_days", "Labs, days old", 14, 365, terms["lab_max_age_days"]),
        ("confidence_floor_percent", "Certainty, %", 50, 99, terms["confidence_floor_percent"]),
    )
    columns = st.columns(4)
    chosen = {
        name: int(
            columns[index % 4].number_input(
                label, low, high, value=value, key=f"{name}-{patient_id}"
            )
        )
        for index, (name, label, low, high, value) in enumerate(rows)
    }
    potassium = columns[3].number_input(
        "Potassium below",
        4.0,
        5.0,
        value=terms["potassium_below_thousandths"] / 1000,
        step=0.1,
        format="%.1f",
        key=f"potassium-{patient_id}",
    )
    return {
        "target": {name: chosen.pop(name) for name in ("systolic_below", "diastolic_below")},
        "egfr_at_least_thousandths": chosen.pop("egfr") * 1000,
        "potassium_below_thousandths": round(potassium * 1000),
        **chosen,
    }


def _expiry(shown: Mapping[str, Any], terms: Mapping[str, Any], patient_id: str) -> str:
    today = datetime.fromisoformat(shown["as_of"]).date()
    last = today + timedelta(days=LONGEST_DAYS)
    signed = date.fromisoformat(terms["expires_at"][:10])
    chosen = st.date_input(
        "Expires (six months at most)",
        value=min(max(signed, today), last),
        min_value=today,
        max_value=last,
        key=f"expires-{patient_id}",
    )
    return datetime.combine(chosen, time(), UTC).isoformat()


def _compare_and_sign(shown: Mapping[str, Any], wanted: dict[str, Any], patient_id: str) -> None:
    differences, lowered = envelope_words.changes(shown["terms"], wanted), shown["lowered_by"]
    st.subheader("What your signature changes")
    if not differences:
        st.caption(
            f"Nothing differs from {'what is in effect' if lowered else 'the signed version'}."
        )
    else:
        st.html(look.table(("", "In effect" if lowered else "Signed", "New"), differences))
    _say_what_is_earned(shown["earned"])
    keys = _proofs(patient_id)
    sign, revoke = st.columns(2)
    sign.button(
        f"Sign version {shown['version'] + 1}",
        type="primary",
        width="stretch",
        disabled=not differences,
        on_click=_sign,
        args=(patient_id, wanted, shown["version"], keys),
    )
    if shown["terms"] is not None and not shown["revoked"]:
        with revoke.popover("Revoke", width="stretch"):
            _revoke(patient_id)
    st.html(
        f'<div class="card"><p class="small">Signed as {look.esc(signed_in().display_name)}, with '
        "date and time. It means: within these limits the patient may act alone.</p></div>"
    )


def _say_what_is_earned(earned: Mapping[str, Any]) -> None:
    stage = earned["stage"].replace("_", " ")
    against = ", ".join(name.replace("_", " ") for name in earned["setbacks"])
    st.caption(
        f"Earned so far, of a trained patient: {stage}. {earned['weeks_observed']} weeks observed, "
        f"{earned['proposals_agreed']} of {earned['proposals_reviewed']} proposals agreed to, "
        f"{earned['steps_reviewed']} steps looked at"
        + (f"; against it: {against}." if against else ".")
        + " A higher stage, or a limit looser than the default, takes a second clinician."
    )


def _proofs(patient_id: str) -> dict[str, str]:
    """Draw what a signature asks for; return the key of each field."""
    names = ("trained", "password", "second", "second-password")
    keys = {name: f"envelope-{name}-{patient_id}" for name in names}
    st.checkbox("The patient was trained to measure and to step", key=keys["trained"])
    st.text_input(
        "Password",
        type="password",
        placeholder="Your password again",
        key=keys["password"],
        label_visibility="collapsed",
        autocomplete="current-password",
    )
    with st.expander("A second clinician signs too"):
        st.text_input("User name", key=keys["second"], autocomplete="off")
        st.text_input(
            "Their password", type="password", key=keys["second-password"], autocomplete="off"
        )
    return keys


def _sign(
    patient_id: str, wanted: dict[str, Any], signed_version: int, keys: Mapping[str, str]
) -> None:
    given = {name: st.session_state.get(key) or "" for name, key in keys.items()}
    body: dict[str, Any] = {
        "terms": wanted,
        "signed_version": signed_version,
        "password": given["password"],
        "training_finished": bool(given["trained"]),
    }
    if given["second"]:
        body["second"] = {"username": given["second"], "password": given["second-password"]}
    st.session_state[keys["password"]] = st.session_state[keys["second-password"]] = ""
    if not body["password"]:
        parts.flash("Enter your password to sign.", "error")
        return
    key = parts.attempt_key(patient_id, wanted, signed_version)
    path = f"/v1/patients/{patient_id}/envelope"
    signed = parts.attempt(lambda client: client.put(path, body, key=key))
    if signed is not None:
        names = [item["printed_name"] for item in (signed["signature"], signed["second"]) if item]
        parts.flash(f"Version {signed['version']} signed by {' and '.join(names)}.")


def _revoke(patient_id: str) -> None:
    texts = {"reason": f"revoke-why-{patient_id}", "password": f"revoke-password-{patient_id}"}
    st.text_input("Why", key=texts["reason"])
    st.text_input("Password", type="password", key=texts["password"])
    st.button(
        "Revoke now",
        type="primary",
        on_click=_send_revocation,
        args=(patient_id, texts),
    )


def _send_revocation(patient_id: str, texts: dict[str, str]) -> None:
    path = f"/v1/patients/{patient_id}/envelope/revoke"
    parts.act(path, {}, "The envelope is revoked.", texts)
    st.session_state[texts["password"]] = ""


def _history(patient_id: str) -> None:
    with st.expander("Signed versions"):
        history = signed_in().client.get(f"/v1/patients/{patient_id}/envelope/history")
        for version in history["versions"]:
            signature = version["signature"]
            revoked = look.badge("revoked", "critical") if version["revoked_at"] else ""
            second = version["second"]
            beside = f" and {look.esc(second['printed_name'])}" if second else ""
            st.html(
                f"<b>Version {version['version']}</b> · {look.esc(signature['printed_name'])}"
                f"{beside} · {look.when(signature['signed_at'])}{revoked}"
            )
            st.html(look.table(("", "Before", "After"), version["changes"]))
