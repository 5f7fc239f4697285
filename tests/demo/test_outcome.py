"""The summary is counted from the exported log, and a run before this one does not count."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from demo.backfill import Patient
from demo.outcome import holds, read_log, summary, tree_size
from demo.personas import PERSONAS
from demo.phone import Phone
from services.audit.actions import Action
from services.audit.event import ActorKind, AuditEvent, Detail, Outcome, leaf_bytes
from services.ids import new_id

_NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _leaf(
    action: Action,
    *details: Detail,
    patient: str = "a",
    minutes: int = 0,
    outcome: Outcome = Outcome.SUCCESS,
) -> bytes:
    return leaf_bytes(
        AuditEvent(
            event_id=new_id(),
            occurred_at=_NOW + timedelta(minutes=minutes),
            action=action,
            actor_kind=ActorKind.WORKER,
            actor_pseudonym="c" * 64,
            patient_pseudonym=patient * 64,
            subject_type="GuidanceResponse",
            subject_id="x",
            payload_commitment=None,
            outcome=outcome,
            details=details,
        )
    )


def _made(rule: str, verdict: str, patient: str = "a", minutes: int = 0) -> bytes:
    details = (("path", "clinician"), ("rule", rule), ("verdict", verdict))
    return _leaf(Action.ASSESSMENT_MADE, *details, patient=patient, minutes=minutes)


def _bundle(folder: Path, *leaves: bytes) -> Path:
    lines = [
        json.dumps({"index": n, "leaf": base64.b64encode(leaf).decode()})
        for n, leaf in enumerate(leaves)
    ]
    (folder / "events.ndjson").write_text("\n".join(lines) + "\n")
    (folder / "manifest.json").write_text(json.dumps({"tree_size": len(leaves) + 7}))
    return folder


def _patient() -> Patient:
    phone = Phone(httpx.AsyncClient(), "http://door")
    phone.uploaded.counts = {("readings", "stored"): 86, ("readings", "duplicate"): 30}
    return Patient(PERSONAS[0], "p-1", phone, 3)


def test_every_figure_comes_from_an_event_or_an_answer(tmp_path: Path) -> None:
    bundle = _bundle(
        tmp_path,
        _made("none", "advise"),
        _made("three_drugs", "ask", "b"),
        _made("too_soon", "hold", minutes=1),
        _leaf(Action.ADVICE_OFFERED),
        _leaf(Action.ORDER_ENACTED),
        _leaf(Action.ORDER_ENACTED, outcome=Outcome.REFUSED),
        _leaf(Action.REVIEW_DECIDED, ("decision", "accept"), ("dwell_s", 1)),
        _leaf(Action.ALARM_RAISED),
    )
    found = summary(
        [_patient()],
        read_log(bundle, since=_NOW),
        waiting=2,
        leaves=tree_size(bundle),
        verified=True,
        seconds=5,
    )
    assert found["readings"] == 86 and found["duplicates"] == 30
    assert (found["proposals"], found["advised"], found["enacted"]) == (2, 1, 1)
    assert found["reviews"] == {"accepted": 1, "waiting": 2}
    assert found["alarms"] == 1 and found["holds"] == {"too_soon": 1}
    assert found["audit"] == {"leaves": 15, "verified": True}


def test_an_earlier_run_does_not_count(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path, _made("none", "advise", minutes=-5), _made("none", "ask"))
    assert len(read_log(bundle, since=_NOW)) == 1


def test_holds_count_each_patient_once_by_the_last_word(tmp_path: Path) -> None:
    bundle = _bundle(
        tmp_path,
        _made("need_readings", "needs_data", "a"),
        _made("in_target", "hold", "a", minutes=1),
        _made("in_target", "hold", "b"),
        _made("too_soon", "hold", "d"),
        _made("none", "ask", "d", minutes=1),
    )
    assert holds(read_log(bundle, since=_NOW)) == {"in_target": 2}
