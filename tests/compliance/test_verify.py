"""The offline verifier: whole bundles pass, every change and every attack is refused."""

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from compliance import verify as verifier
from compliance.bundle import EventFilter, policy_text, proof_files, sign_manifest
from compliance.verify import CannotCheck, Report, verify_bundle
from compliance.witness import Growth, Witness, WitnessRefusal
from services.audit import merkle, notes
from services.audit.event import Outcome, leaf_bytes, pseudonym
from services.audit.notes import SignatureType
from tests.compliance.sealed import (
    LOG,
    POLICY,
    PSEUDONYM_KEY,
    SIGNER,
    START,
    WITNESS,
    WITNESS_KEYS,
    build,
    cosigned,
    event,
    hashes_of,
    leaves_of,
    log_note,
    rewrite,
    sign_again,
    with_line,
)
from tests.services.audit.keys import signing_key

LEAVES = leaves_of(12)
NOTE = cosigned(log_note(LEAVES))
NODES = merkle.NodeTable(hashes_of(LEAVES))
PATIENT = pseudonym(PSEUDONYM_KEY, "patient-1")
VERIFY_PY = Path(verifier.__file__)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    attachments = {
        "AuditEvent.ndjson": [b'{"resourceType":"AuditEvent"}\n'],
        **proof_files((0, 7), NOTE, NODES),
    }
    return build(tmp_path / "bundle", LEAVES, NOTE, attachments=attachments)


def check(directory: Path, *held: bytes) -> Report:
    return verify_bundle(directory, policy=POLICY.encode(), checkpoints=held)


def refused(directory: Path, *held: bytes) -> str:
    report = check(directory, *held)
    assert report.problem is not None
    assert report.claim is None
    return report.problem


def test_a_whole_bundle_is_verified(bundle: Path) -> None:
    report = check(bundle)
    assert (report.problem, report.claim, report.keys_from) == (None, "complete", "reader")
    assert f"12 leaves, root {NODES.tree.root().hex()}" in report.text()
    assert "cosigned at 2026-03-04T00:00:00+00:00" in report.text()


def test_it_says_when_the_keys_are_the_bundles_own(bundle: Path) -> None:
    report = verify_bundle(bundle)
    assert (report.problem, report.keys_from) == (None, "bundle")
    assert "WHO made it is not shown" in report.text()


def test_the_empty_log_is_a_bundle_too(tmp_path: Path) -> None:
    assert check(build(tmp_path / "b", [], cosigned(log_note([])))).problem is None


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 31])
def test_every_shape_of_tree_is_verified_with_its_proofs(tmp_path: Path, size: int) -> None:
    leaves = leaves_of(size)
    note = cosigned(log_note(leaves))
    nodes = merkle.NodeTable(hashes_of(leaves))
    proofs = proof_files(range(size), note, nodes)
    assert check(build(tmp_path / "b", leaves, note, attachments=proofs)).problem is None


def test_a_range_is_complete_and_a_filter_is_a_selection(tmp_path: Path) -> None:
    part = build(tmp_path / "part", LEAVES, NOTE, span=(4, 9))
    assert check(part).claim == "complete"
    assert "leaves 4 to 9 exclusive of 12, none left out" in check(part).text()
    shown = EventFilter(patient_pseudonym=PATIENT)
    some = build(tmp_path / "some", LEAVES, NOTE, shown=shown, chosen=[1, 3, 7])
    assert check(some).claim == "selection"
    assert "that no other one matches is not proved" in check(some).text()


def test_a_bundle_extends_every_checkpoint_that_the_reader_holds(bundle: Path) -> None:
    held = [cosigned(log_note(LEAVES[:size])) for size in (0, 1, 8, 11, 12)]
    assert check(bundle, *held).problem is None


def test_a_larger_or_other_held_checkpoint_refuses(bundle: Path) -> None:
    later = cosigned(log_note(leaves_of(13)))
    other = cosigned(log_note([*LEAVES[:3], b"other", *LEAVES[4:8]]))
    assert "at 13 leaves" in refused(bundle, later)
    assert "at 8 leaves" in refused(bundle, other)


def test_a_held_checkpoint_must_itself_be_good(bundle: Path) -> None:
    for note in (b"noise", log_note(LEAVES[:8])):
        with pytest.raises(CannotCheck):
            check(bundle, note)
    with pytest.raises(CannotCheck):
        verify_bundle(bundle, checkpoints=[cosigned(log_note(LEAVES[:8]))])
    with pytest.raises(CannotCheck):
        verify_bundle(bundle, policy=b"quorum none\n")


# --- every byte -------------------------------------------------------------------------------


def flips(path: Path) -> Iterator[None]:
    """Change one byte of the file in place, yield, and put it back; then the next."""
    original = path.read_bytes()
    # The verifier's own copy and the notice are covered by one hash each: a stride will do there.
    stride = 101 if path.name in ("verify.py", "README") else 1
    for position in range(0, len(original), stride):
        changed = bytearray(original)
        changed[position] ^= 1 << position % 8
        path.write_bytes(changed)
        yield
    path.write_bytes(original)


def test_no_byte_of_any_file_can_change(tmp_path: Path) -> None:
    leaves = leaves_of(3)
    note = cosigned(log_note(leaves))
    proofs = proof_files([1], note, merkle.NodeTable(hashes_of(leaves)))
    bundle = build(tmp_path / "bundle", leaves, note, attachments={**proofs, "a.csv": [b"x\n"]})
    assert check(bundle).problem is None
    accepted = [
        str(path)
        for path in sorted(bundle.rglob("*"))
        if path.is_file()
        for _ in flips(path)
        if check(bundle).problem is None
    ]
    assert accepted == []
    assert check(bundle).problem is None


NAMES = (
    *("AuditEvent.ndjson", "README", "checkpoint.txt", "events.ndjson", "leaf_hashes.bin"),
    *("manifest.json", "manifest.sig", "policy.txt", "proofs/7.tlog-proof", "verify.py"),
)


@pytest.mark.parametrize("name", NAMES)
def test_no_file_can_be_missing_cut_longer_or_a_link(bundle: Path, name: str) -> None:
    path, kept = bundle / name, (bundle / name).read_bytes()
    aside = bundle.parent / "aside"
    aside.write_bytes(kept)
    path.unlink()
    assert refused(bundle)
    path.symlink_to(aside)
    assert "not a plain file" in refused(bundle)
    path.unlink()
    for content in (kept[:-1], kept + b"\n", kept + kept, b""):
        path.write_bytes(content)
        assert refused(bundle)
    path.write_bytes(kept)
    assert check(bundle).problem is None


def test_nothing_can_be_added(bundle: Path) -> None:
    additions: list[tuple[Path, Callable[[Path], object]]] = [
        (bundle / "extra.txt", lambda path: path.write_bytes(b"")),
        (bundle / ".hidden", lambda path: path.write_bytes(b"")),
        (bundle / "proofs" / "3.tlog-proof", lambda path: path.write_bytes(b"")),
        (bundle / "folder", lambda path: path.mkdir()),
        (bundle / "proofs" / "proofs", lambda path: path.mkdir()),
        (bundle / "pipe", os.mkfifo),
        (bundle / "link", lambda path: path.symlink_to("README")),
    ]
    for path, add in additions:
        add(path)
        assert path.name in refused(bundle)
        path.rmdir() if path.is_dir() else path.unlink()
    assert check(bundle).problem is None


# --- a liar who holds the log's key and signs the manifest again --------------------------------


def event_lines(bundle: Path) -> list[bytes]:
    return (bundle / "events.ndjson").read_bytes().splitlines(keepends=True)


LIES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "left out": lambda lines: [*lines[:4], *lines[5:]],
    "listed twice": lambda lines: [*lines[:5], *lines[4:]],
    "swapped": lambda lines: [lines[1], lines[0], *lines[2:]],
    "another leaf": lambda lines: [lines[1].replace(b":1,", b":0,", 1), *lines[1:]],
    "beyond the tree": lambda lines: [*lines, lines[-1].replace(b":11,", b":12,", 1)],
    "spaced": lambda lines: [lines[0].replace(b",", b", ", 1), *lines[1:]],
    "leading zero": lambda lines: [lines[0].replace(b":0,", b":00,", 1), *lines[1:]],
    "blank line": lambda lines: [b"\n", *lines],
    "no last newline": lambda lines: [*lines[:-1], lines[-1][:-1]],
    "endless line": lambda lines: [b'{"index":0,"leaf":"' + b"A" * 200_000],
}


@pytest.mark.parametrize("lie", LIES)
def test_events_cannot_lie_under_the_logs_own_signature(bundle: Path, lie: str) -> None:
    lines = LIES[lie](event_lines(bundle))
    for count in {12, len(lines)}:
        rewrite(bundle, {"events.ndjson": b"".join(lines)}, events=count)
        assert refused(bundle)


@pytest.mark.parametrize("chosen", [range(5, 10), range(3, 8)])
def test_a_range_cannot_be_filled_from_beside_it(tmp_path: Path, chosen: range) -> None:
    bundle = build(tmp_path / "bundle", LEAVES, NOTE, span=(4, 9))
    lines = (
        f'{{"index":{index},"leaf":"{notes.encode_base64(LEAVES[index])}"}}\n' for index in chosen
    )
    rewrite(bundle, {"events.ndjson": "".join(lines).encode()})
    assert "outside the export's range" in refused(bundle)


def test_base64_with_set_padding_bits_is_refused(tmp_path: Path) -> None:
    leaves = [leaf + b" " * pad for pad, leaf in enumerate(LEAVES)]
    padded = next(i for i, leaf in enumerate(leaves) if len(leaf) % 3 == 1)
    bundle = build_raw(tmp_path / "bundle", leaves)
    lines = event_lines(bundle)
    assert lines[padded].endswith(b'=="}\n')
    last = lines[padded][-6:-5]
    twin = bytes([last[0] + 1])
    lines[padded] = lines[padded][:-6] + twin + b'=="}\n'
    rewrite(bundle, {"events.ndjson": b"".join(lines)})
    assert "not canonical" in refused(bundle)


def build_raw(directory: Path, leaves: list[bytes]) -> Path:
    """A bundle of leaves that are no events, as only a broken or lying exporter would write it."""
    honest = leaves_of(len(leaves))
    build(directory, honest, cosigned(log_note(honest)))
    lines = (
        f'{{"index":{index},"leaf":"{notes.encode_base64(leaf)}"}}\n'
        for index, leaf in enumerate(leaves)
    )
    rewrite(
        directory,
        {
            "events.ndjson": "".join(lines).encode(),
            "leaf_hashes.bin": b"".join(hashes_of(leaves)),
            "checkpoint.txt": cosigned(log_note(leaves)),
        },
        root=merkle.root_of(hashes_of(leaves)).hex(),
    )
    return directory


@pytest.mark.parametrize("leaf", [b"noise", b"[]", b"{}", b'{"occurred_at":1,"action":"a"}'])
def test_a_leaf_that_is_no_event_cannot_match_a_filter(tmp_path: Path, leaf: bytes) -> None:
    bundle = build_raw(tmp_path / "bundle", [leaf])
    assert check(bundle).problem is None
    sign_again(bundle, manifest_of(bundle) | {"filter": {"patient_pseudonym": PATIENT}})
    assert "events.ndjson" in refused(bundle)


def manifest_of(bundle: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((bundle / "manifest.json").read_bytes())
    return fields


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "audit-export/2"},
        {"origin": "other.example"},
        {"root": "00" * 32},
        {"tree_size": 11},
        {"tree_size": 13},
        {"events": 11},
        {"events": True},
        {"first": 1},
        {"first": -1},
        {"end": 11},
        {"end": 13},
        {"first": 13},
        {"filter": {"patient_pseudonym": PATIENT}},
        {"filter": {"actions": "reading.recorded"}},
        {"filter": {"surprise": "x"}},
        {"filter": {"from": "2026-03-04T00:05:00.000000Z"}},
        {"filter": {"before": "2026-03-04T00:05:00.000000Z"}},
        {"files": []},
        {"files": [1]},
        {"lines": {"AuditEvent.ndjson": 2}},
        {"lines": {"Unlisted.ndjson": 2}},
        {"surprise": 1},
        {"reason": None},
    ],
)
def test_a_manifest_cannot_lie_under_the_logs_own_signature(
    bundle: Path, fields: dict[str, Any]
) -> None:
    sign_again(bundle, manifest_of(bundle) | fields)
    assert refused(bundle)


def test_a_manifest_in_other_bytes_is_refused(bundle: Path) -> None:
    canonical = rfc8785.dumps(manifest_of(bundle))
    deep = b"[" * 100_000
    for data in (canonical + b"\n", canonical[:-1] + b',"end":12}', b"[]", b"\xff", deep):
        (bundle / "manifest.json").write_bytes(data)
        (bundle / "manifest.sig").write_bytes(sign_manifest(data, SIGNER))
        assert "manifest.json" in refused(bundle)


def test_a_file_outside_or_in_disorder_cannot_be_listed(bundle: Path) -> None:
    manifest = manifest_of(bundle)
    entry = manifest["files"][0]
    for files in (
        [*manifest["files"], entry | {"name": "../outside"}],
        [*manifest["files"], entry | {"name": "zzz/x"}],
        [*manifest["files"], entry],
        manifest["files"][::-1],
        [entry | {"bytes": 1.5}, *manifest["files"][1:]],
        [entry | {"more": 1}, *manifest["files"][1:]],
        manifest["files"][1:],
    ):
        sign_again(bundle, manifest | {"files": files})
        assert refused(bundle)


@pytest.mark.parametrize("name", ["a b", "-rf", ".hidden", "é", "a\nb", "proofs/.x"])
def test_a_listed_and_present_file_still_needs_a_plain_name(bundle: Path, name: str) -> None:
    rewrite(bundle, {name: b""})
    assert "a file entry of another form" in refused(bundle)


def test_required_files_cannot_be_unlisted_together_with_the_file(bundle: Path) -> None:
    for name in ("README", "verify.py", "policy.txt"):
        kept = (bundle / name).read_bytes()
        rewrite(bundle, {name: None})
        assert name in refused(bundle)
        rewrite(bundle, {name: kept})
        assert check(bundle).problem is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"index 7", b"index 6"),
        lambda text: text.replace(b"\n\nlog.example", b"\nAAAA\n\nlog.example"),
        lambda text: text.replace(b"@v1", b"@v2"),
        lambda text: text[:-1],
        lambda text: b"".join(text.split(b"\n", 3)[i] + b"\n" for i in (0, 1, 3)),
        lambda text: b"",
    ],
)
def test_a_proof_cannot_lie_under_the_logs_own_signature(
    bundle: Path, change: Callable[[bytes], bytes]
) -> None:
    text = (bundle / "proofs" / "7.tlog-proof").read_bytes()
    assert change(text) != text
    rewrite(bundle, {"proofs/7.tlog-proof": change(text)})
    assert "7.tlog-proof" in refused(bundle)


def test_a_proof_beyond_the_tree_is_refused(bundle: Path) -> None:
    text = (bundle / "proofs" / "7.tlog-proof").read_bytes()
    (bundle / "proofs" / "7.tlog-proof").rename(bundle / "proofs" / "12.tlog-proof")
    rewrite(bundle, {"proofs/7.tlog-proof": None, "proofs/12.tlog-proof": text})
    assert "beyond the tree" in refused(bundle)


# --- keys --------------------------------------------------------------------------------------


def test_a_checkpoint_without_the_witness_or_by_another_is_refused(bundle: Path) -> None:
    other = signing_key("witness.example/w2", SignatureType.COSIGNATURE)
    impostor = signing_key("impostor", SignatureType.COSIGNATURE)
    named = replace(impostor.public, name=WITNESS.public.name)
    line = notes.cosign_text(notes.parse_note(NOTE).text, named, impostor.sign, now=START)
    copied = replace(line, key_id=WITNESS.public.key_id)
    alone = log_note(LEAVES)
    for note in (alone, cosigned(alone, other), with_line(alone, line), with_line(alone, copied)):
        rewrite(bundle, {"checkpoint.txt": note})
        assert refused(bundle).startswith("checkpoint.txt: ")


@pytest.mark.parametrize("seconds", [2**37 - 1, 2**37, 2**63, 2**64 - 1])
def test_a_cosignature_from_a_time_that_does_not_exist_is_refused(
    tmp_path: Path, seconds: int
) -> None:
    text = notes.parse_note(NOTE).text
    message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
    stamped = seconds.to_bytes(8, "big") + WITNESS.sign(message)
    line = notes.NoteSignature(WITNESS.public.name, WITNESS.public.key_id, stamped)
    bundle = build(tmp_path / "bundle", LEAVES, with_line(log_note(LEAVES), line))
    assert (check(bundle).problem is None) == (seconds < 2**37)


@pytest.mark.parametrize(
    ("old", "new"), [("\n12\n", "\n012\n"), ("\n12\n", "\n+12\n"), ("=\n", "=\n\nmore\n")]
)
def test_a_well_signed_checkpoint_of_another_form_is_refused(
    bundle: Path, old: str, new: str
) -> None:
    text = notes.parse_note(NOTE).text.replace(old, new)
    stamp = (1_772_582_400).to_bytes(8, "big")
    message = b"cosignature/v1\ntime 1772582400\n" + text.encode()
    line = notes.NoteSignature(
        WITNESS.public.name, WITNESS.public.key_id, stamp + WITNESS.sign(message)
    )
    signed = notes.Note(text, (notes.sign_text(text, LOG.public, LOG.sign), line))
    rewrite(bundle, {"checkpoint.txt": notes.format_note(signed)})
    assert refused(bundle) == "checkpoint.txt: not a checkpoint"


def test_a_log_longer_than_one_reading_step_is_verified(tmp_path: Path) -> None:
    leaves = leaves_of(2100)
    bundle = build(tmp_path / "bundle", leaves, cosigned(log_note(leaves)))
    assert (bundle / "leaf_hashes.bin").stat().st_size > verifier.LINE_BYTES
    assert check(bundle, cosigned(log_note(leaves[:2050]))).problem is None


def test_a_checkpoint_or_manifest_by_another_log_is_refused(bundle: Path) -> None:
    other = signing_key("log.example/audit2")
    rewrite(bundle, {"checkpoint.txt": cosigned(log_note(LEAVES, other))})
    assert "does not trust" in refused(bundle)
    rewrite(bundle, {"checkpoint.txt": NOTE})
    text = notes.parse_note((bundle / "manifest.sig").read_bytes()).text
    forged = notes.Note(text, (notes.sign_text(text, other.public, other.sign),))
    (bundle / "manifest.sig").write_bytes(notes.format_note(forged))
    assert "manifest.sig: not signed by log.example/audit" in refused(bundle)


def test_the_readers_policy_wins_over_the_bundles(bundle: Path) -> None:
    mine = signing_key("my-witness", SignatureType.COSIGNATURE)
    report = verify_bundle(bundle, policy=policy_text(LOG.public, mine.public).encode())
    assert report.problem is not None


GOOD_LINES = POLICY.splitlines()


@pytest.mark.parametrize(
    "lines",
    [
        [],
        GOOD_LINES[:2],
        GOOD_LINES[1:],
        [*GOOD_LINES[:2], "quorum none"],
        [*GOOD_LINES[:2], "quorum other"],
        [GOOD_LINES[2], *GOOD_LINES[:2]],
        [*GOOD_LINES, GOOD_LINES[2]],
        [*GOOD_LINES, GOOD_LINES[0]],
        [GOOD_LINES[1], *GOOD_LINES],
        [*GOOD_LINES, "group all all witness"],
        [*GOOD_LINES, "surprise"],
        [GOOD_LINES[0].replace("log ", "log x"), *GOOD_LINES[1:]],
        [GOOD_LINES[0].replace("+A", "+B"), *GOOD_LINES[1:]],
        ["log " + WITNESS.public.text(), *GOOD_LINES[1:]],
        [GOOD_LINES[0], "witness witness " + LOG.public.text(), GOOD_LINES[2]],
        ["log a+b+c", *GOOD_LINES[1:]],
        ["log nothing", *GOOD_LINES[1:]],
    ],
)
def test_a_policy_that_is_unclear_or_without_witness_is_refused(lines: list[str]) -> None:
    with pytest.raises(verifier.Refused):
        verifier.parse_policy("".join(f"{line}\n" for line in lines).encode())


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    material = b"\x01" + bytes(length)
    key_id = hashlib.sha256(b"log\n" + material).hexdigest()[:8]
    line = f"log log+{key_id}+{notes.encode_base64(material)}"
    with pytest.raises(verifier.Refused):
        verifier.parse_policy("\n".join([line, *GOOD_LINES[1:]]).encode())


def test_a_log_that_is_its_own_witness_is_refused() -> None:
    twin = signing_key(LOG.public.name, SignatureType.COSIGNATURE)
    with pytest.raises(verifier.Refused):
        verifier.parse_policy(policy_text(LOG.public, twin.public).encode())


def test_comments_blank_lines_and_addresses_are_allowed() -> None:
    text = f"# ours\n\n \t\n{GOOD_LINES[0]} https://log.example\n{GOOD_LINES[1]}\t https://w\n"
    policy = verifier.parse_policy(f"{text}quorum witness\n".encode())
    assert [key.name for key in policy.logs] == [LOG.public.name]
    assert policy.witness.id == WITNESS.public.key_id


# --- the nine attacks --------------------------------------------------------------------------


def edit(leaves: list[bytes], at: int, rng: random.Random) -> list[bytes]:
    return [
        *leaves[:at],
        leaf_bytes(replace(event(at), outcome=Outcome.REFUSED)),
        *leaves[at + 1 :],
    ]


def flip_bit(leaves: list[bytes], at: int, rng: random.Random) -> list[bytes]:
    leaf = bytearray(leaves[at])
    leaf[rng.randrange(len(leaf))] ^= 1 << rng.randrange(8)
    return [*leaves[:at], bytes(leaf), *leaves[at + 1 :]]


def delete(leaves: list[bytes], at: int, rng: random.Random) -> list[bytes]:
    # The last one is the tail truncation's.
    at = min(at, len(leaves) - 2)
    return [*leaves[:at], *leaves[at + 1 :]]


def insert(leaves: list[bytes], at: int, rng: random.Random) -> list[bytes]:
    return [*leaves[:at], leaf_bytes(event(1000 + rng.randrange(1000))), *leaves[at:]]


def reorder(leaves: list[bytes], at: int, rng: random.Random) -> list[bytes]:
    other = rng.choice([index for index in range(len(leaves)) if index != at])
    swapped = list(leaves)
    swapped[at], swapped[other] = leaves[other], leaves[at]
    return swapped


def duplicate(leaves: list[bytes], at: int, rng: random.Random) -> list[bytes]:
    source = rng.choice([index for index in range(len(leaves)) if index != at])
    return [*leaves[:at], leaves[source], *leaves[at:]]


def cut_deep(leaves: list[bytes], at: int, rng: random.Random) -> list[bytes]:
    return leaves[: rng.randrange(len(leaves) // 2)]


def cut_tail(leaves: list[bytes], at: int, rng: random.Random) -> list[bytes]:
    return leaves[: -rng.randint(1, 3)]


def fork(leaves: list[bytes], at: int, rng: random.Random) -> list[bytes]:
    length = rng.randint(1, len(leaves) - at + 3)
    return [*leaves[:at], *(leaf_bytes(event(2000 + number)) for number in range(length))]


ATTACKS = (edit, flip_bit, delete, insert, reorder, duplicate, cut_deep, cut_tail, fork)
ROUNDS = 200


def persuade(witness: Witness, leaves: list[bytes], old_size: int, rng: random.Random) -> bool:
    """Ask the witness for the forged tree with the best proof that a forger can make."""
    table = merkle.NodeTable(hashes_of(leaves))
    size = min(old_size, len(leaves))
    proof = Growth(old_size, merkle.consistency_proof(size, len(leaves), table))
    guess = Growth(old_size, tuple(rng.choices(hashes_of(leaves) or [bytes(32)], k=3)))
    for attempt in (proof, guess, Growth(size, proof.hashes)):
        try:
            witness.cosign(log_note(leaves), attempt, now=START)
        except WitnessRefusal:
            continue
        return True
    return False


def forge_each(
    bundle: Path, honest: list[bytes], forged: list[bytes], notes_seen: dict[int, bytes]
) -> Iterator[None]:
    """Turn `bundle` into every one that a forger with the log's key can make of `forged`."""
    newest = notes_seen[len(honest)]
    own = log_note(forged)
    choices = [own, with_line(own, notes.parse_note(newest).signatures[-1]), newest]
    if len(forged) in notes_seen:
        choices.append(notes_seen[len(forged)])
    for note in choices:
        for hashes in (hashes_of(forged), hashes_of(honest)):
            forge(bundle, note, forged, hashes)
            yield


def forge(bundle: Path, note: bytes, leaves: list[bytes], hashes: list[bytes]) -> None:
    lines = (
        f'{{"index":{index},"leaf":"{notes.encode_base64(leaf)}"}}\n'
        for index, leaf in enumerate(leaves)
    )
    checkpoint = notes.parse_checkpoint(notes.parse_note(note).text)
    files = {
        "events.ndjson": "".join(lines).encode(),
        "leaf_hashes.bin": b"".join(hashes),
        "checkpoint.txt": note,
    }
    size, root = checkpoint.size, checkpoint.root.hex()
    rewrite(bundle, files, events=len(leaves), end=size, tree_size=size, root=root)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_with_a_witness_every_attack_is_detected(
    tmp_path: Path, attack: Callable[[list[bytes], int, random.Random], list[bytes]]
) -> None:
    rng = random.Random(attack.__name__)
    bundle = build(tmp_path / "bundle", LEAVES, NOTE)
    for number in range(ROUNDS):
        honest = leaves_of(rng.randint(5, 24))
        witness = Witness.begin(WITNESS_KEYS, tmp_path / f"witness-{number}", now=START)
        seen = {}
        sizes = sorted({rng.randint(1, len(honest)), len(honest)})
        for old_size, size in zip([0, *sizes], sizes, strict=False):
            nodes = merkle.NodeTable(hashes_of(honest[:size]))
            proof = Growth(old_size, merkle.consistency_proof(old_size, size, nodes))
            line = witness.cosign(log_note(honest[:size]), proof, now=START)
            seen[size] = with_line(log_note(honest[:size]), line)
        forge(bundle, seen[len(honest)], honest, hashes_of(honest))
        assert check(bundle, witness.latest()).problem is None
        forged = attack(honest, rng.randrange(len(honest)), rng)
        assert forged != honest
        assert not persuade(witness, forged, len(honest), rng)
        for _ in forge_each(bundle, honest, forged, seen):
            assert refused(bundle, witness.latest())


def test_a_tail_cut_to_an_old_checkpoint_shows_only_to_who_holds_a_newer_one(
    tmp_path: Path,
) -> None:
    old = cosigned(log_note(LEAVES[:8]))
    bundle = build(tmp_path / "bundle", LEAVES[:8], old)
    assert check(bundle).problem is None
    assert "you hold one" in refused(bundle, NOTE)


# --- as a program ------------------------------------------------------------------------------


def run(*arguments: object, script: Path = VERIFY_PY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_copy_inside_the_bundle_runs_alone(bundle: Path, tmp_path: Path) -> None:
    policy, held = tmp_path / "policy", tmp_path / "held"
    policy.write_text(POLICY)
    held.write_bytes(cosigned(log_note(LEAVES[:5])))
    done = run(bundle, "--policy", policy, "--checkpoint", held, script=bundle / "verify.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("VERIFIED\n")
    assert "extends your checkpoint at 5 leaves" in done.stdout


def test_refusal_and_impossibility_have_their_own_exit_status(bundle: Path, tmp_path: Path) -> None:
    assert run(bundle).returncode == 0
    assert run(bundle, "--policy", tmp_path / "absent").returncode == 2
    assert run(tmp_path / "absent").returncode == 2
    assert run(tmp_path / "absent").stdout.startswith("CANNOT CHECK ")
    assert run().returncode == 2
    (bundle / "README").write_bytes(b"")
    done = run(bundle)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("REFUSED README: not the file that the manifest lists\n")


def test_a_forged_name_cannot_write_to_the_readers_terminal(bundle: Path) -> None:
    (bundle / "\x1b[2Jvérified\udcff").write_bytes(b"")
    done = run(bundle)
    assert done.returncode == 1
    assert "\x1b" not in done.stdout


def test_main_prints_the_report(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verifier.main([str(bundle)]) == 0
    assert capsys.readouterr().out == verify_bundle(bundle).text()
    assert verifier.main([str(bundle / "absent")]) == 2
