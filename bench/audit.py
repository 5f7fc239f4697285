"""Time the audit record: one event to the tree, one proof, and verifying a whole export.

    python bench/audit.py [--events N] [--repeat K]

CPU time of this process, median of K runs. Verification is also given as a ratio to SHA-256 alone
over the same bytes, because that is the part no verifier can leave out.
"""

import argparse
import hashlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).parents[1]))

from compliance.bundle import EventFilter, Export, LogSigner, policy_text, write_bundle
from services.audit import merkle, notes
from services.audit.actions import Action
from services.audit.event import ActorKind, AuditEvent, Outcome, leaf_bytes, pseudonym
from services.audit.notes import Checkpoint, Note, SignatureType, VerifierKey

START = datetime(2026, 1, 1, tzinfo=UTC)
WHO = pseudonym(bytes(32), "bench")


def event(number: int) -> AuditEvent:
    """Return one event of usual size."""
    return AuditEvent(
        event_id=str(UUID(int=number)),
        occurred_at=START + timedelta(seconds=number),
        action=Action.ORDER_ENACTED,
        actor_kind=ActorKind.WORKER,
        actor_pseudonym=WHO,
        patient_pseudonym=WHO,
        subject_type="MedicationRequest",
        subject_id=f"{number}@1",
        payload_commitment=WHO,
        outcome=Outcome.SUCCESS,
        details=(("automatic", True), ("rule", "R07"), ("version", 3)),
    )


def cpu_s(work: Callable[[], object], repeat: int) -> float:
    """Return the median CPU seconds of `work`."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def key(name: str, kind: SignatureType) -> tuple[VerifierKey, Ed25519PrivateKey]:
    """Return a throw-away key pair."""
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
    return VerifierKey(name, kind, private.public_key().public_bytes_raw()), private


def write_export(folder: Path, leaves: list[bytes], hashes: list[bytes]) -> None:
    """Write a complete export of `leaves` into `folder`."""
    log, log_private = key("bench.example/log", SignatureType.ED25519)
    witness, witness_private = key("bench.example/witness", SignatureType.COSIGNATURE)
    text = Checkpoint(log.name, len(leaves), merkle.root_of(hashes)).text()
    lines = (
        notes.sign_text(text, log, log_private.sign),
        notes.cosign_text(text, witness, witness_private.sign, now=START),
    )
    export = Export(
        requester=WHO,
        reason="bench",
        software="bench",
        shown=EventFilter(),
        first=0,
        end=len(leaves),
        checkpoint=notes.format_note(Note(text, lines)),
        policy=policy_text(log, witness),
    )
    write_bundle(
        folder,
        export,
        leaves=enumerate(leaves),
        leaf_hashes=hashes,
        attachments={},
        signer=LogSigner(log, log_private.sign),
    )


# The high-water mark of the child's own memory; getrusage would count this process's as well.
MEASURED = """
import runpy, sys, time
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as exit:
    assert exit.code == 0
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(time.process_time(), peak.split()[1])
"""


def verified(folder: Path) -> tuple[float, float]:
    """Run the bundle's own verifier; return its CPU seconds and peak memory in MiB (Linux)."""
    command = [sys.executable, "-I", "-c", MEASURED, str(folder / "verify.py"), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    spent_s, peak_kib = done.stdout.splitlines()[-1].split()
    return float(spent_s), int(peak_kib) / 1024


def hash_alone(folder: Path, leaves: list[bytes]) -> None:
    """Do only the SHA-256 work that verifying needs: both files once, every leaf, every node."""
    for name in ("events.ndjson", "leaf_hashes.bin"):
        hashlib.sha256((folder / name).read_bytes()).digest()
    node = b"\x01" + bytes(64)
    for leaf in leaves:
        hashlib.sha256(b"\x00" + leaf).digest()
        hashlib.sha256(node).digest()


def rows(count: int, repeat: int) -> Iterator[tuple[str, str]]:
    """Measure and yield (what, figure)."""
    events = [event(number) for number in range(min(count, 50_000))]
    leaves = [leaf_bytes(event(number)) for number in range(count)]
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    yield "leaf", f"{len(leaves[0])} bytes"
    encode_s = cpu_s(lambda: [leaf_bytes(item) for item in events], repeat)
    encode_us = encode_s / len(events) * 1e6
    yield "event to leaf bytes", f"{encode_us:.1f} µs"
    tree_s = cpu_s(lambda: merkle.root_of(map(merkle.leaf_hash, leaves)), repeat)
    tree_us = tree_s / count * 1e6
    yield "leaf hash and tree", f"{tree_us:.1f} µs"
    yield "event to tree", f"{1e6 / (encode_us + tree_us):,.0f} events/s on one core"
    nodes = merkle.NodeTable(hashes)
    picks = range(0, count, max(1, count // 2000))
    prove_s = cpu_s(lambda: [merkle.inclusion_proof(at, count, nodes) for at in picks], repeat)
    yield "inclusion proof from stored nodes", f"{prove_s / len(picks) * 1e6:.0f} µs"
    root, proofs = nodes.tree.root(), [merkle.inclusion_proof(at, count, nodes) for at in picks]

    def check_all() -> None:
        for at, proof in zip(picks, proofs, strict=True):
            merkle.verify_inclusion(hashes[at], index=at, size=count, proof=proof, root=root)

    yield "inclusion verified", f"{cpu_s(check_all, repeat) / len(picks) * 1e6:.0f} µs"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "export"
        write_export(folder, leaves, hashes)
        hash_s = cpu_s(lambda: hash_alone(folder, leaves), repeat)
        runs = [verified(folder) for _ in range(repeat)]
    verify_s = statistics.median(spent for spent, _ in runs)
    yield "verify.py on the whole export", f"{verify_s:.2f} s CPU"
    yield "of that, per event", f"{verify_s / count * 1e6:.1f} µs"
    yield "ratio to SHA-256 alone", f"{verify_s / hash_s:.1f}"
    yield "verify.py peak memory", f"{max(peak for _, peak in runs):.0f} MiB"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    print(f"Python {platform.python_version()}, {given.events:,} events\n")
    print("| What | Figure |\n|---|---|")
    for what, figure in rows(given.events, given.repeat):
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
