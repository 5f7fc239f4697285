import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compliance import keys
from compliance.witness import Fork, Growth, Rollback, StaleRequest, UnknownLog, Witness
from compliance.witness_http import WitnessServer, WitnessUnreachable, ask, parse_request
from services.audit import merkle, notes
from services.audit.notes import Checkpoint, MalformedNote, Note
from services.keyring import make_missing_secrets
from services.settings import Settings, load

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    make_missing_secrets(tmp_path)
    monkeypatch.setenv("CLINAIOPS_HOME", str(tmp_path))
    return load()


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    own = Witness.begin(keys.witness_keys(settings), settings.home / "memory", now=NOW)
    server = WitnessServer(("127.0.0.1", 0), own, lambda: NOW)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def leaves(count: int, name: str = "leaf") -> merkle.NodeTable:
    return merkle.NodeTable(merkle.leaf_hash(f"{name}{n}".encode()) for n in range(count))


def checkpoint(settings: Settings, table: merkle.NodeTable, size: int) -> bytes:
    text = Checkpoint(keys.LOG_NAME, size, merkle.root_at(size, table)).text()
    signer = keys.log_signer(settings)
    return notes.format_note(Note(text, (notes.sign_text(text, signer.key, signer.sign),)))


def grow(table: merkle.NodeTable, old_size: int, size: int) -> Growth:
    return Growth(old_size, merkle.consistency_proof(old_size, size, table))


def test_a_growing_log_is_cosigned_and_the_cosignature_is_good(settings: Settings) -> None:
    table = leaves(9)
    with serving(settings) as url:
        for old_size, size in ((0, 4), (4, 9), (9, 9)):
            note = checkpoint(settings, table, size)
            line = ask(url, note, grow(table, old_size, size))
            signed = Note(notes.parse_note(note).text, (line,))
            own = keys.witness_key(settings)
            assert notes.verified_by(signed, [own], keys.verify) == {own}


def test_a_stale_request_is_told_the_size_to_start_from(settings: Settings) -> None:
    table = leaves(9)
    with serving(settings) as url:
        ask(url, checkpoint(settings, table, 4), grow(table, 0, 4))
        with pytest.raises(StaleRequest) as caught:
            ask(url, checkpoint(settings, table, 9), grow(table, 3, 9))
    assert caught.value.size == 4


def test_rollback_fork_and_another_log_are_refused_by_name(settings: Settings) -> None:
    table, other = leaves(9), leaves(9, "other")
    with serving(settings) as url:
        ask(url, checkpoint(settings, table, 5), grow(table, 0, 5))
        with pytest.raises(Rollback):
            ask(url, checkpoint(settings, table, 4), grow(table, 4, 4))
        with pytest.raises(Fork):
            ask(url, checkpoint(settings, other, 9), grow(other, 5, 9))
        stranger = checkpoint(settings, table, 9).replace(b"clinaiops.example", b"other.example")
        with pytest.raises(UnknownLog):
            ask(url, stranger, grow(table, 5, 9))


def test_a_witness_that_is_not_there_is_an_outage_and_no_refusal(settings: Settings) -> None:
    with serving(settings) as url:
        pass
    with pytest.raises(WitnessUnreachable):
        ask(url, checkpoint(settings, leaves(1), 1), Growth(0, ()))


@pytest.mark.parametrize(
    "body",
    [b"", b"old 1", b"old x\n\nnote", b"new 1\n\nnote", b"old 1\nAAAA\n\nnote", b"old 01\n\n"],
)
def test_a_malformed_request_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedNote):
        parse_request(body)
