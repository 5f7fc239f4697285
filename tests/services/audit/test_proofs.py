"""A log proof stands alone: it says where a leaf is, in which witnessed tree."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit import merkle, notes, proofs
from services.audit.notes import Checkpoint, MalformedNote, Note, SignatureRefused, SignatureType
from services.audit.proofs import LogProof, format_proof, parse_proof
from tests.services.audit.keys import signing_key, verify

LOG = signing_key("log.example/audit")
WITNESS = signing_key("witness.example/w1", SignatureType.COSIGNATURE)
NOW = datetime(2026, 3, 4, tzinfo=UTC)
LEAVES = [f"leaf {number}".encode() for number in range(11)]
TABLE = merkle.NodeTable(merkle.leaf_hash(leaf) for leaf in LEAVES)


def checkpoint_note(origin: str = LOG.public.name, *, witnessed: bool = True) -> bytes:
    text = Checkpoint(origin, len(LEAVES), TABLE.tree.root()).text()
    lines = [notes.sign_text(text, LOG.public, LOG.sign)]
    if witnessed:
        lines.append(notes.cosign_text(text, WITNESS.public, WITNESS.sign, now=NOW))
    return notes.format_note(Note(text, tuple(lines)))


def proof_of(index: int) -> LogProof:
    path = merkle.inclusion_proof(index, len(LEAVES), TABLE)
    return LogProof(index, path, checkpoint_note())


def verified(proof: LogProof, leaf: bytes) -> Checkpoint:
    return proofs.verify_proof(
        proof, leaf, log=LOG.public, witnesses=[WITNESS.public], verify=verify
    )


@pytest.mark.parametrize("index", range(len(LEAVES)))
def test_every_leaf_is_proved_by_text_alone(index: int) -> None:
    proof = parse_proof(format_proof(proof_of(index)))
    assert proof == proof_of(index)
    assert verified(proof, LEAVES[index]).size == len(LEAVES)
    with pytest.raises(merkle.ProofRefused):
        verified(proof, LEAVES[index] + b" ")


def test_the_text_is_the_specified_one() -> None:
    lines = format_proof(replace(proof_of(10), extra=b"hi")).decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra aGk=", "index 10"]
    assert lines[3:].index("") == len(proof_of(10).path)


def test_without_the_witness_or_from_another_log_it_is_refused() -> None:
    for note in (checkpoint_note(witnessed=False), checkpoint_note("other.example")):
        with pytest.raises(SignatureRefused):
            verified(replace(proof_of(3), checkpoint=note), LEAVES[3])


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_changed_byte_survives(data: st.DataObject) -> None:
    original = format_proof(proof_of(6))
    position = data.draw(st.integers(0, len(original) - 1))
    flipped = bytearray(original)
    flipped[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((MalformedNote, SignatureRefused, merkle.ProofRefused)):
        verified(parse_proof(bytes(flipped)), LEAVES[6])


HASH_LINE = notes.encode_base64(bytes(32)).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"c2sp.org/tlog-proof@v1\n\n",
        b"c2sp.org/tlog-proof@v2\nindex 0\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n",
        b"c2sp.org/tlog-proof@v1\nindex 00\n\n",
        b"c2sp.org/tlog-proof@v1\nindex -1\n\n",
        b"c2sp.org/tlog-proof@v1\nextra aGk=\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\nextra aGk=\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n",
        b"c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\n",
        b"\xff\n\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + (HASH_LINE + b"\n") * 64 + b"\n",
    ],
)
def test_a_proof_of_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        parse_proof(data)
