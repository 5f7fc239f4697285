"""Signed notes, checkpoints and cosignatures: the published vector, and everything refused."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit import notes
from services.audit.merkle import EMPTY_ROOT
from services.audit.notes import Checkpoint, MalformedNote, Note, SignatureRefused, SignatureType
from tests.services.audit.keys import signing_key, verify

# Source: the published example of golang.org/x/mod/sumdb/note, whose format C2SP specifies.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZ"
    "b6KE6RyyBwJnAM=\n"
).encode()

# Source: the example of C2SP tlog-cosignature.
C2SP_CHECKPOINT = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv"
    "2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b"
    "2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
).encode()

LOG = signing_key("log.example/audit")
WITNESS = signing_key("witness.example/w1", SignatureType.COSIGNATURE)
NOW = datetime(2026, 3, 4, 5, 6, 7, 999_999, tzinfo=UTC)
TEXT = Checkpoint("log.example/audit", 0, EMPTY_ROOT).text()


def signed() -> Note:
    return Note(
        TEXT,
        (
            notes.sign_text(TEXT, LOG.public, LOG.sign),
            notes.cosign_text(TEXT, WITNESS.public, WITNESS.sign, now=NOW),
        ),
    )


def test_the_published_note_verifies_and_keeps_its_bytes() -> None:
    key = notes.parse_verifier_key(GO_KEY)
    note = notes.parse_note(GO_NOTE)
    assert key.text() == GO_KEY
    assert notes.format_note(note) == GO_NOTE
    assert notes.verified_by(note, [key], verify) == {key}


def test_the_published_checkpoint_and_cosignature_are_read() -> None:
    note = notes.parse_note(C2SP_CHECKPOINT)
    checkpoint = notes.parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert notes.format_note(note) == C2SP_CHECKPOINT
    # The specification's own text gives this time for the same example.
    assert notes.cosigned_at(note.signatures[1]).timestamp() == 1679315147


def test_log_and_witness_are_both_found() -> None:
    note = notes.parse_note(notes.format_note(signed()))
    assert note == signed()
    keys = [LOG.public, WITNESS.public]
    assert notes.verified_by(note, keys, verify) == set(keys)
    assert notes.cosigned_at(note.signatures[1]) == NOW.replace(microsecond=0)


def test_a_cosignature_commits_to_its_time() -> None:
    cosignature = signed().signatures[1]
    later = bytes(7) + bytes([1]) + cosignature.signature[8:]
    forged = Note(TEXT, (notes.NoteSignature(cosignature.name, cosignature.key_id, later),))
    with pytest.raises(SignatureRefused):
        notes.verified_by(forged, [WITNESS.public], verify)


def test_a_log_signature_is_no_cosignature_even_by_the_same_key() -> None:
    both = signing_key(LOG.public.name, SignatureType.COSIGNATURE)
    assert both.public.key_id != LOG.public.key_id
    line = notes.NoteSignature(LOG.public.name, both.public.key_id, LOG.sign(TEXT.encode()))
    with pytest.raises(SignatureRefused):
        notes.verified_by(Note(TEXT, (line,)), [both.public], verify)


def test_unknown_signers_are_ignored_but_somebody_known_must_sign() -> None:
    stranger = signing_key("stranger.example")
    line = notes.sign_text(TEXT, stranger.public, stranger.sign)
    note = Note(TEXT, (line, *signed().signatures))
    assert notes.verified_by(note, [LOG.public], verify) == {LOG.public}
    with pytest.raises(SignatureRefused):
        notes.verified_by(Note(TEXT, (line,)), [LOG.public], verify)


def test_a_known_key_with_a_wrong_signature_spoils_the_note() -> None:
    wrong = notes.NoteSignature(LOG.public.name, LOG.public.key_id, bytes(64))
    with pytest.raises(SignatureRefused):
        notes.verified_by(
            Note(TEXT, (*signed().signatures, wrong)), [LOG.public, WITNESS.public], verify
        )


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_changed_byte_survives(data: st.DataObject) -> None:
    original = notes.format_note(signed())
    position = data.draw(st.integers(0, len(original) - 1))
    flipped = bytearray(original)
    flipped[position] ^= 1 << data.draw(st.integers(0, 7))
    keys = {LOG.public, WITNESS.public}
    with pytest.raises((MalformedNote, SignatureRefused)):
        note = notes.parse_note(bytes(flipped))
        if notes.verified_by(note, keys, verify) != keys:
            raise SignatureRefused("one of the two is gone")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        TEXT.encode(),
        b"\n\n" + signed().signatures[0].line().encode(),
        b"text\n\n- log.example/audit AAAAAAA=\n",
        notes.format_note(signed())[:-1],
        notes.format_note(signed()) + b"\n",
        notes.format_note(signed()).replace(b"\n", b"\r\n"),
        b"\xff" + notes.format_note(signed()),
        b"a\tb\n\n" + signed().signatures[0].line().encode(),
        b"text\n\n" + signed().signatures[0].line().encode() * 33,
        b"text\n\n" + signed().signatures[0].line().encode() * 30 + b"x" * 64 * 1024,
        "text\n\n— log.example/audit AAAAAA==\n".encode(),
        "text\n\n— log.example/audit AAAAAAB=\n".encode(),
        "text\n\n— log+example AAAAAAA=\n".encode(),
        "text\n\n— log\u00a0example AAAAAAA=\n".encode(),
        "text\n\n—  AAAAAAA=\n".encode(),
    ],
)
def test_a_note_of_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        notes.parse_note(data)


def test_sixteen_signatures_are_accepted() -> None:
    keys = [signing_key(f"key-{number}") for number in range(16)]
    note = Note(TEXT, tuple(notes.sign_text(TEXT, key.public, key.sign) for key in keys))
    found = notes.verified_by(
        notes.parse_note(notes.format_note(note)), [key.public for key in keys], verify
    )
    assert found == {key.public for key in keys}


ROOT = notes.encode_base64(EMPTY_ROOT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"log\n0\n{ROOT}",
        "log\n0\n",
        f"\n0\n{ROOT}\n",
        f"log\n00\n{ROOT}\n",
        f"log\n-1\n{ROOT}\n",
        f"log\n+1\n{ROOT}\n",
        f"log\n٣\n{ROOT}\n",
        f"log\n1_0\n{ROOT}\n",
        f"log\n{2**63}\n{ROOT}\n",
        f"log\n{'9' * 5000}\n{ROOT}\n",
        f"log\n0\n{ROOT[:-4]}\n",
        f"log\n0\n{ROOT}\n\n",
    ],
)
def test_a_checkpoint_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        notes.parse_checkpoint(text)


def test_extension_lines_are_kept() -> None:
    checkpoint = Checkpoint("log", 2**63 - 1, EMPTY_ROOT, ("one", "two"))
    assert notes.parse_checkpoint(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        GO_KEY + "=",
        GO_KEY.replace("c74f20a3", "C74F20A3"),
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("Peter", "Pater"),
        "x+00000000+",
        "x+00000000+" + base64.b64encode(b"\x07" + bytes(32)).decode(),
        "x+00000000+" + base64.b64encode(b"\x01" + bytes(31)).decode(),
    ],
)
def test_a_verifier_key_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        notes.parse_verifier_key(text)


def test_flipped_padding_bits_are_refused() -> None:
    assert base64.b64decode("AB==", validate=True) == b"\x00"
    with pytest.raises(MalformedNote):
        notes.decode_base64("AB==")


@given(st.binary(max_size=40))
def test_base64_comes_back(data: bytes) -> None:
    assert notes.decode_base64(notes.encode_base64(data)) == data


def test_keys_sign_only_what_they_are_for() -> None:
    with pytest.raises(MalformedNote):
        notes.sign_text(TEXT, WITNESS.public, WITNESS.sign)
    with pytest.raises(MalformedNote):
        notes.cosign_text(TEXT, LOG.public, LOG.sign, now=NOW)
    with pytest.raises(MalformedNote):
        notes.cosign_text("not a checkpoint\n", WITNESS.public, WITNESS.sign, now=NOW)
    with pytest.raises(MalformedNote):
        notes.cosigned_at(signed().signatures[0])
