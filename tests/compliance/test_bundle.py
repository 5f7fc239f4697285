"""Writing an export: the same bytes for the same input, and nothing that could not be proved."""

from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from compliance.bundle import CannotExport, EventFilter, policy_text, proof_files
from compliance.verify import verify_bundle
from services.audit import merkle
from services.audit.actions import Action
from services.audit.event import pseudonym
from tests.compliance.sealed import (
    LOG,
    POLICY,
    PSEUDONYM_KEY,
    START,
    WITNESS,
    build,
    cosigned,
    event,
    hashes_of,
    leaves_of,
    log_note,
)

LEAVES = leaves_of(12)
NOTE = cosigned(log_note(LEAVES))
PATIENT = pseudonym(PSEUDONYM_KEY, "patient-1")


def contents(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    nodes = merkle.NodeTable(hashes_of(LEAVES))
    extra = {"report.html": [b"<p>", b"</p>"], **proof_files((3, 11), NOTE, nodes)}
    one = contents(build(tmp_path / "one", LEAVES, NOTE, attachments=extra))
    other = dict(reversed(extra.items()))
    assert one == contents(build(tmp_path / "two", LEAVES, NOTE, attachments=other))
    assert set(one) == {
        *("README", "checkpoint.txt", "events.ndjson", "leaf_hashes.bin", "manifest.json"),
        *("manifest.sig", "policy.txt", "proofs/11.tlog-proof", "proofs/3.tlog-proof"),
        *("report.html", "verify.py"),
    }


def test_the_verifier_travels_along(tmp_path: Path) -> None:
    bundle = build(tmp_path / "bundle", LEAVES, NOTE)
    source = Path(__file__).parents[2] / "compliance" / "verify.py"
    assert (bundle / "verify.py").read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    "parts",
    [
        {"span": (0, 13), "chosen": range(12)},
        {"span": (5, 4)},
        {"span": (-1, 4), "chosen": range(4)},
        {"chosen": range(11)},
        {"chosen": [0, 0, *range(1, 12)]},
        {"chosen": [1, 0, *range(2, 12)]},
        {"span": (0, 4), "chosen": range(5)},
        {"shown": EventFilter(patient_pseudonym=PATIENT), "chosen": [1, 2, 3]},
        {"attachments": {"manifest.json": [b""]}},
        {"attachments": {"events.ndjson": [b""]}},
        {"attachments": {"../outside": [b""]}},
        {"attachments": {"proofs/../../outside": [b""]}},
        {"attachments": {"/tmp/outside": [b""]}},
        {"attachments": {".hidden": [b""]}},
        {"attachments": {"a\nb": [b""]}},
    ],
)
def test_what_could_not_be_proved_is_not_written(tmp_path: Path, parts: dict[str, Any]) -> None:
    with pytest.raises(CannotExport):
        build(tmp_path / "bundle", LEAVES, NOTE, **parts)
    assert not (tmp_path / "bundle" / "manifest.sig").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"bundle"}


def test_other_leaf_hashes_than_the_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotExport):
        build(tmp_path / "bundle", [*LEAVES[:5], LEAVES[4], *LEAVES[6:]], NOTE)


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("mine")
    with pytest.raises(FileExistsError):
        build(tmp_path, LEAVES, NOTE)
    assert contents(tmp_path) == {"old": b"mine"}


FILTERS = [
    EventFilter(patient_pseudonym=PATIENT),
    EventFilter(actor_pseudonym=event(0).actor_pseudonym),
    EventFilter(actions=(Action.ORDER_ENACTED, Action.RECORD_READ)),
    EventFilter(occurred_from=START + timedelta(minutes=3)),
    EventFilter(occurred_before=START + timedelta(minutes=3)),
    EventFilter(
        actions=(Action.ORDER_ENACTED,),
        patient_pseudonym=PATIENT,
        occurred_from=START.astimezone(timezone(timedelta(hours=5))) + timedelta(minutes=1),
        occurred_before=START + timedelta(minutes=11),
    ),
]


@pytest.mark.parametrize("shown", FILTERS)
def test_writer_and_verifier_mean_the_same_by_a_filter(tmp_path: Path, shown: EventFilter) -> None:
    matching = [index for index in range(12) if shown.matches(event(index))]
    assert 0 < len(matching) <= 12
    bundle = build(tmp_path / "bundle", LEAVES, NOTE, shown=shown, chosen=matching)
    report = verify_bundle(bundle, policy=POLICY.encode())
    assert (report.problem, report.claim) == (None, "selection")
    assert f"{len(matching)} events" in report.text()


def test_a_filter_is_half_open_in_time() -> None:
    at = event(5).occurred_at
    assert EventFilter(occurred_from=at).matches(event(5))
    assert not EventFilter(occurred_before=at).matches(event(5))
    assert EventFilter().matches(replace(event(5), patient_pseudonym=None))
    assert not EventFilter(patient_pseudonym=PATIENT).matches(
        replace(event(5), patient_pseudonym=None)
    )


def test_a_policy_needs_the_two_kinds_of_key() -> None:
    for log, witness in ((LOG, LOG), (WITNESS, WITNESS), (WITNESS, LOG)):
        with pytest.raises(CannotExport):
            policy_text(log.public, witness.public)
