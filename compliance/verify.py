#!/usr/bin/env python3
"""Check an audit export offline. One file: it needs Python 3.11 and the package `cryptography`.

    python verify.py DIRECTORY [--policy FILE] [--checkpoint FILE]...

--policy FILE      the keys that you trust; without it the bundle's own keys are used, which shows
                   that the bundle is whole but not who made it
--checkpoint FILE  a checkpoint that you hold from the witness or from an earlier audit: the bundle
                   must contain everything that it covers (a cut tail shows in no other way)

Exit status: 0 whole and proved, 1 refused, 2 could not be checked.
Sources: RFC 6962; C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-policy, tlog-proof.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT: Final = "audit-export/1"
MANIFEST, SIGNATURE, CHECKPOINT = "manifest.json", "manifest.sig", "checkpoint.txt"
POLICY, LEAF_HASHES, EVENTS = "policy.txt", "leaf_hashes.bin", "events.ndjson"
REQUIRED: Final = {CHECKPOINT, POLICY, LEAF_HASHES, EVENTS, "verify.py", "README"}
MANIFEST_FIELDS: Final = {
    **dict.fromkeys(("format", "origin", "reason", "requester", "root", "software"), str),
    **dict.fromkeys(("end", "events", "first", "tree_size"), int),
    **{"files": list, "filter": dict, "lines": dict},
}
FILE_FIELDS: Final = {"name": str, "sha256": str, "bytes": int}
FILTER_FIELDS: Final = {
    **dict.fromkeys(("actor_pseudonym", "before", "from", "patient_pseudonym"), str),
    "actions": list,
}
NOTE_KEY, COSIGNATURE_KEY = 1, 4
SMALL_FILE_BYTES: Final = 64 * 1024 * 1024
LINE_BYTES: Final = 64 * 1024

_FILE_NAME: Final = re.compile(r"(proofs/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PROOF_NAME: Final = re.compile(r"proofs/(0|[1-9][0-9]{0,18})\.tlog-proof")
_COUNT: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_EVENT: Final = re.compile(rb'\{"index":(0|[1-9][0-9]{0,18}),"leaf":"([A-Za-z0-9+/]+={0,2})"\}\n')
_SIGNATURE_LINE: Final = re.compile("\N{EM DASH} ([^ +]+) ([A-Za-z0-9+/]+={0,2})")


class Refused(Exception):
    """The bundle does not prove what it claims; the message says where and why."""


class CannotCheck(Exception):
    """Nothing was decided: a file that the reader gave cannot be used."""


@dataclass(frozen=True, slots=True)
class Key:
    """A named Ed25519 public key; `kind` 1 signs notes, 4 cosigns checkpoints."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        data = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(data).digest()[:4]


@dataclass(frozen=True, slots=True)
class Policy:
    """The logs that are trusted and the witness whose cosignature every checkpoint needs."""

    logs: tuple[Key, ...]
    witness: Key


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size and root as the log signed and the witness cosigned them."""

    log: Key
    size: int
    root: bytes
    cosigned_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """`problem` is None when everything holds; `claim` says what the events shown amount to."""

    problem: str | None
    claim: Literal["complete", "selection"] | None = None
    keys_from: Literal["reader", "bundle"] | None = None
    facts: tuple[str, ...] = ()

    def text(self) -> str:
        verdict = "VERIFIED" if self.problem is None else f"REFUSED {self.problem}"
        lines = "\n".join((verdict, *self.facts, ""))
        # A name inside a forged bundle must not be able to write to the reader's terminal.
        return "".join(c if c.isprintable() or c == "\n" else "?" for c in lines)


def verify_bundle(
    directory: Path, *, policy: bytes | None = None, checkpoints: Sequence[bytes] = ()
) -> Report:
    """Return the report on the bundle in `directory`; a refusal is a report with a problem.

    `policy`: trusted keys, else the bundle's own. `checkpoints`: signed notes that the reader
    holds. Raises: CannotCheck when one of those is unusable; OSError when reading fails.
    """
    try:
        trusted = None if policy is None else parse_policy(policy)
        held = [] if trusted is None else [open_checkpoint(note, trusted) for note in checkpoints]
    except Refused as err:
        raise CannotCheck(f"given by you: {err}") from err
    if checkpoints and trusted is None:
        raise CannotCheck("a checkpoint of yours proves something only under a policy of yours")
    try:
        return _verify(_Bundle(directory), trusted, held)
    except Refused as err:
        return Report(problem=str(err))


def _verify(bundle: "_Bundle", trusted: Policy | None, held: list[Checkpoint]) -> Report:
    policy = trusted or parse_policy(bundle.read(POLICY))
    note = bundle.read(CHECKPOINT)
    checkpoint = open_checkpoint(note, policy)
    manifest = bundle.manifest(checkpoint)
    for item in held:
        if item.log != checkpoint.log or item.size > checkpoint.size:
            raise Refused(f"{CHECKPOINT}: you hold one of {item.log.name} at {item.size} leaves")
    proofs = {
        int(found[1]): found[0] for found in map(_PROOF_NAME.fullmatch, bundle.listed) if found
    }
    roots, hashes = _walk(bundle, manifest, {item.size for item in held}, set(proofs))
    for item in (checkpoint, *held):
        if roots[item.size] != item.root:
            raise Refused(f"{LEAF_HASHES}: not the tree of the checkpoint at {item.size} leaves")
    for index, name in proofs.items():
        if index not in hashes:
            raise Refused(f"{name}: beyond the tree")
        path = _proof_path(bundle.read(name), name, index, note)
        if not _leads_to(checkpoint.root, path, hashes[index], index, checkpoint.size):
            raise Refused(f"{name}: does not lead to the root")
    bundle.check_rest(manifest["lines"])
    return _report(manifest, checkpoint, held, trusted is not None)


def _report(
    manifest: dict[str, Any], checkpoint: Checkpoint, held: list[Checkpoint], is_given: bool
) -> Report:
    claim: Literal["complete", "selection"] = "selection" if manifest["filter"] else "complete"
    bounds = f"{manifest['first']} to {manifest['end']} exclusive of {checkpoint.size}"
    span = f"{manifest['events']} events, leaves {bounds}"
    claims = {
        "complete": f"complete: {span}, none left out",
        "selection": f"selection: {span}; each is in the log and matches the filter, "
        "but that no other one matches is not proved",
    }
    keys = {
        True: "keys: yours",
        False: "keys: the bundle's own. It is whole, but WHO made it is not shown; use --policy",
    }
    facts = (
        f"log {checkpoint.log.name}: {checkpoint.size} leaves, root {checkpoint.root.hex()}",
        f"cosigned at {checkpoint.cosigned_at.isoformat()}",
        *(f"extends your checkpoint at {item.size} leaves" for item in held),
        claims[claim],
        f"exported for {manifest['requester']}, reason: {manifest['reason']}",
        "other files: unchanged since the log's key signed the manifest",
        keys[is_given],
    )
    return Report(None, claim, "reader" if is_given else "bundle", facts)


class _Bundle:
    """The files of a bundle. Each is hashed as it is read: what was checked is what was used."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.present = set(self._names())
        self.listed: dict[str, tuple[str, int]] = {}
        self._seen: dict[str, tuple[str, int]] = {}

    def _names(self, prefix: str = "") -> Iterator[str]:
        for entry in os.scandir(self.directory / prefix):
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode) and prefix + entry.name == "proofs":
                yield from self._names("proofs/")
            elif stat.S_ISREG(mode):
                yield prefix + entry.name
            else:
                raise Refused(f"{prefix}{entry.name}: not a plain file")

    def chunks(self, name: str, *, by_line: bool = False) -> Iterator[bytes]:
        """Yield a file's bytes; at the end refuse a file that the manifest does not list so."""
        if name not in self.present:
            raise Refused(f"{name}: missing")
        digest, size = hashlib.sha256(), 0
        with open(self.directory / name, "rb") as file:
            read: Callable[[int], bytes] = file.readline if by_line else file.read
            while chunk := read(LINE_BYTES):
                digest.update(chunk)
                size += len(chunk)
                yield chunk
        self._seen[name] = (digest.hexdigest(), size)
        if self.listed.get(name, self._seen[name]) != self._seen[name]:
            raise Refused(f"{name}: not the file that the manifest lists")

    def read(self, name: str) -> bytes:
        if name in self.present and (self.directory / name).stat().st_size > SMALL_FILE_BYTES:
            raise Refused(f"{name}: too large")
        return b"".join(self.chunks(name))

    def manifest(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """Return the signed manifest of exactly the files present, for exactly this tree."""
        data = self.read(MANIFEST)
        text, _ = open_note(self.read(SIGNATURE), [checkpoint.log], SIGNATURE)
        if text != f"{FORMAT}\n{MANIFEST} {hashlib.sha256(data).hexdigest()}\n":
            raise Refused(f"{SIGNATURE}: signs another {MANIFEST}")
        manifest = parse_manifest(data)
        tree = (manifest["origin"], manifest["tree_size"], manifest["root"])
        if tree != (checkpoint.log.name, checkpoint.size, checkpoint.root.hex()):
            raise Refused(f"{MANIFEST}: names another tree than {CHECKPOINT}")
        self.listed = {file["name"]: (file["sha256"], file["bytes"]) for file in manifest["files"]}
        differing = (self.listed.keys() | REQUIRED) ^ (self.present - {MANIFEST, SIGNATURE})
        if differing or not self.listed.keys() >= REQUIRED:
            raise Refused(f"{MANIFEST}: listed and present files differ: {sorted(differing)}")
        for name in (CHECKPOINT, POLICY):
            if self._seen.get(name, self.listed[name]) != self.listed[name]:
                raise Refused(f"{name}: not the file that the manifest lists")
        return manifest

    def check_rest(self, line_counts: Mapping[str, int]) -> None:
        """Refuse any file not yet read that differs, and any other number of lines."""
        if not line_counts.keys() <= self.listed.keys():
            raise Refused(f"{MANIFEST}: counts lines of a file that it does not list")
        for name in sorted(self.listed.keys() - self._seen.keys()):
            count = sum(chunk.count(b"\n") for chunk in self.chunks(name))
            if line_counts.get(name, count) != count:
                raise Refused(f"{name}: {count} lines, the manifest says otherwise")


def parse_manifest(data: bytes) -> dict[str, Any]:
    """Return the manifest's fields, typed. Raises: Refused for any other form."""
    try:
        fields = json.loads(data.decode("utf-8"))
        again = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        is_canonical = again.encode() == data and isinstance(fields, dict)
    except (ValueError, RecursionError) as err:
        raise Refused(f"{MANIFEST}: not JSON") from err
    if not is_canonical or not _has_form(fields, MANIFEST_FIELDS):
        raise Refused(f"{MANIFEST}: not canonical, or other fields than the format's")
    span = (0, fields["first"], fields["end"], fields["tree_size"])
    if fields["format"] != FORMAT or list(span) != sorted(span):
        raise Refused(f"{MANIFEST}: another format, or a range outside the tree")
    wanted = {name: type(value) for name, value in fields["filter"].items()}
    if not wanted.items() <= FILTER_FIELDS.items():
        raise Refused(f"{MANIFEST}: a filter that cannot be checked")
    files = fields["files"]
    if not all(
        _has_form(file, FILE_FIELDS) and _FILE_NAME.fullmatch(file["name"]) for file in files
    ):
        raise Refused(f"{MANIFEST}: a file entry of another form")
    names = [file["name"] for file in files]
    if names != sorted(set(names) - {MANIFEST, SIGNATURE}):
        raise Refused(f"{MANIFEST}: files not sorted and distinct")
    return dict(fields)


def _has_form(value: object, form: Mapping[str, type]) -> bool:
    return isinstance(value, dict) and {name: type(item) for name, item in value.items()} == form


def _walk(
    bundle: _Bundle, manifest: dict[str, Any], sizes: set[int], indices: set[int]
) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Match the events with all leaf hashes in one pass; return roots by size, hashes by index."""
    roots: dict[int, bytes] = {}
    hashes: dict[int, bytes] = {}
    peaks: list[bytes] = []
    count = shown = 0
    events = _events(bundle, manifest)
    index, leaf = next(events, (-1, b""))
    for leaf_hash in _leaf_hashes(bundle):
        if count in sizes:
            roots[count] = _root(peaks)
        if count in indices:
            hashes[count] = leaf_hash
        if index == count:
            if hashlib.sha256(b"\x00" + leaf).digest() != leaf_hash:
                raise Refused(f"{EVENTS}: event {index} is not the leaf that was logged")
            shown += 1
            index, leaf = next(events, (-1, b""))
        _push(peaks, count, leaf_hash)
        count += 1
    roots[count] = _root(peaks)
    if index != -1:
        raise Refused(f"{EVENTS}: event {index} is out of order, listed twice or not in the log")
    if (count, shown) != (manifest["tree_size"], manifest["events"]):
        raise Refused(f"{EVENTS}: {shown} events of {count} leaves, the manifest says otherwise")
    if not manifest["filter"] and shown != manifest["end"] - manifest["first"]:
        raise Refused(f"{EVENTS}: incomplete without a filter")
    return roots, hashes


def _leaf_hashes(bundle: _Bundle) -> Iterator[bytes]:
    for chunk in bundle.chunks(LEAF_HASHES):
        if len(chunk) % 32:
            raise Refused(f"{LEAF_HASHES}: not a whole number of hashes")
        for start in range(0, len(chunk), 32):
            yield chunk[start : start + 32]


def _events(bundle: _Bundle, manifest: dict[str, Any]) -> Iterator[tuple[int, bytes]]:
    wanted, first, end = manifest["filter"], manifest["first"], manifest["end"]
    for line in bundle.chunks(EVENTS, by_line=True):
        found = _EVENT.fullmatch(line)
        if found is None:
            raise Refused(f"{EVENTS}: a line of another form")
        index, leaf = int(found[1]), _base64(found[2], EVENTS)
        if not first <= index < end or (wanted and not _matches(leaf, wanted)):
            raise Refused(f"{EVENTS}: event {index} is outside the export's range or filter")
        yield index, leaf


def _matches(leaf: bytes, wanted: Mapping[str, Any]) -> bool:
    try:
        event = json.loads(leaf)
        is_in_time = wanted.get("from", "") <= event["occurred_at"] < wanted.get("before", "~")
        is_act = event["action"] in wanted.get("actions", [event["action"]])
        people = wanted.keys() & {"patient_pseudonym", "actor_pseudonym"}
        return is_in_time and is_act and all(event[name] == wanted[name] for name in people)
    except (ValueError, TypeError, KeyError, RecursionError) as err:
        raise Refused(f"{EVENTS}: a leaf that the filter cannot be held to") from err


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _push(peaks: list[bytes], count: int, node: bytes) -> None:
    while count & 1:
        node = _join(peaks.pop(), node)
        count >>= 1
    peaks.append(node)


def _root(peaks: Sequence[bytes]) -> bytes:
    node = peaks[-1] if peaks else hashlib.sha256(b"").digest()
    for left in peaks[-2::-1]:
        node = _join(left, node)
    return node


def _proof_path(data: bytes, name: str, index: int, note: bytes) -> list[bytes]:
    head, _, proof_note = data.partition(b"\n\n")
    lines = head.split(b"\n")
    if lines[:2] != [b"c2sp.org/tlog-proof@v1", b"index %d" % index] or proof_note != note:
        raise Refused(f"{name}: not a proof of event {index} under {CHECKPOINT}")
    return [_base64(line, name) for line in lines[2:]]


def _leads_to(root: bytes, path: list[bytes], node: bytes, index: int, size: int) -> bool:
    """Say whether the path leads from a leaf hash to the root; from the root down, per RFC 6962."""
    turns = []
    while size > 1:
        left = 1 << ((size - 1).bit_length() - 1)
        turns.append(index < left)
        index, size = (index, left) if index < left else (index - left, size - left)
    if len(turns) != len(path) or any(len(sibling) != 32 for sibling in path):
        return False
    for is_left, sibling in zip(reversed(turns), path, strict=True):
        node = _join(node, sibling) if is_left else _join(sibling, node)
    return node == root


def open_note(data: bytes, keys: Sequence[Key], where: str) -> tuple[str, dict[Key, bytes]]:
    """Return a note's text and the good signatures of all `keys`. Raises: Refused if one lacks."""
    content = _text(data, where)
    text, blank, tail = content.rpartition("\n\n")
    if not blank or not tail.endswith("\n") or re.search("[\0-\x09\x0b-\x1f]", content):
        raise Refused(f"{where}: not a signed note")
    found: dict[Key, bytes] = {}
    for line in tail[:-1].split("\n"):
        parts = _SIGNATURE_LINE.fullmatch(line)
        if parts is None or any(character.isspace() for character in parts[1]):
            raise Refused(f"{where}: a signature line of another form")
        blob = _base64(parts[2].encode(), where)
        for key in keys:
            if (key.name, key.id) == (parts[1], blob[:4]):
                _check_signature(key, blob[4:], f"{text}\n", where)
                found[key] = blob[4:]
    for key in keys:
        if key not in found:
            raise Refused(f"{where}: not signed by {key.name}")
    return f"{text}\n", found


def _check_signature(key: Key, signature: bytes, text: str, where: str) -> None:
    message = text.encode()
    if key.kind == COSIGNATURE_KEY:
        stamp, signature = signature[:8], signature[8:]
        message = b"cosignature/v1\ntime %d\n" % int.from_bytes(stamp, "big") + message
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except InvalidSignature as err:
        raise Refused(f"{where}: wrong signature by {key.name}") from err


def open_checkpoint(data: bytes, policy: Policy) -> Checkpoint:
    """Return the checkpoint that a trusted log signed and the witness cosigned, else refuse."""
    origin, size, root, *_ = [*_text(data, CHECKPOINT).split("\n"), "", "", ""]
    log = next((key for key in policy.logs if key.name == origin), None)
    if log is None:
        raise Refused(f"{CHECKPOINT}: by a log that the policy does not trust")
    text, signatures = open_note(data, [log, policy.witness], CHECKPOINT)
    root_hash = _base64(root.encode(), CHECKPOINT)
    if _COUNT.fullmatch(size) is None or len(root_hash) != 32 or "\n\n" in text:
        raise Refused(f"{CHECKPOINT}: not a checkpoint")
    seconds = int.from_bytes(signatures[policy.witness][:8], "big")
    if seconds >= 1 << 37:
        raise Refused(f"{CHECKPOINT}: cosigned in no time that exists")
    return Checkpoint(log, int(size), root_hash, datetime.fromtimestamp(seconds, UTC))


def parse_policy(data: bytes) -> Policy:
    """Return a C2SP tlog-policy without groups. Raises: Refused, also for `quorum none`."""
    logs: list[Key] = []
    witnesses: dict[str, Key] = {}
    quorum: list[str] = []
    for line in _text(data, POLICY).split("\n"):
        match [word for word in re.split("[ \t]", line) if word]:
            case ["log", key] | ["log", key, _]:
                logs.append(_parse_key(key, NOTE_KEY))
            case ["witness", name, key] | ["witness", name, key, _] if name not in witnesses:
                witnesses[name] = _parse_key(key, COSIGNATURE_KEY)
            case ["quorum", name] if name in witnesses and not quorum:
                quorum.append(name)
            case [word, *_] if not word.startswith("#"):
                raise Refused(f"{POLICY}: {word}: a line that is not understood")
    keys = [*logs, *witnesses.values()]
    if not logs or not quorum or len({key.public for key in keys}) != len(keys):
        raise Refused(f"{POLICY}: names no log, no witness as quorum, or the same key twice")
    return Policy(tuple(logs), witnesses[quorum[0]])


def _parse_key(text: str, kind: int) -> Key:
    name, key_id, material = [*text.split("+", 2), "", ""][:3]
    data = _base64(material.encode(), POLICY)
    key = Key(name, kind, data[1:])
    if not name or data[:1] != bytes([kind]) or len(data) != 33 or key.id.hex() != key_id:
        raise Refused(f"{POLICY}: the key {name} is not what it says")
    return key


def _base64(text: bytes, where: str) -> bytes:
    """Decode only the canonical form: Python's decoder lets set padding bits pass."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as err:
        raise Refused(f"{where}: not base64") from err
    if base64.b64encode(data) != text:
        raise Refused(f"{where}: base64 that is not canonical")
    return data


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise Refused(f"{where}: not UTF-8") from err


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; return the exit status."""
    parser = argparse.ArgumentParser(description="Check an audit export offline.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--policy", type=Path)
    parser.add_argument("--checkpoint", type=Path, action="append", default=[])
    given = parser.parse_args(arguments)
    try:
        policy = given.policy.read_bytes() if given.policy else None
        held = [path.read_bytes() for path in given.checkpoint]
        report = verify_bundle(given.directory, policy=policy, checkpoints=held)
    except (CannotCheck, OSError) as err:
        print(f"CANNOT CHECK {err}")
        return 2
    print(report.text(), end="")
    return 0 if report.problem is None else 1


if __name__ == "__main__":
    sys.exit(main())
