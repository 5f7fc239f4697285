"""Blobs: sealed files named by random ids, on the disk before the row that names them commits."""

import asyncio
import os
from pathlib import Path

from services.ids import new_id
from services.store.errors import NotInRecord
from services.store.transaction import Transaction


async def write(tx: Transaction, patient_id: str, content: bytes) -> str:
    """Seal `content` under the patient's key, force it to the disk, return its new id.

    A transaction that fails afterwards leaves a file that no row names, which nobody can read.
    """
    blob_id = new_id()
    sealed = tx.vault.seal("blobs", "content", blob_id, content, patient_id)
    await asyncio.to_thread(_write, _path(tx.store.blobs, blob_id), sealed)
    return blob_id


async def read(tx: Transaction, patient_id: str, blob_id: str) -> bytes:
    """Return a blob's content. Raises: NotInRecord, Tampered."""
    try:
        sealed = await asyncio.to_thread(_path(tx.store.blobs, blob_id).read_bytes)
    except FileNotFoundError as err:
        raise NotInRecord(f"no blob {blob_id}") from err
    return tx.vault.unseal("blobs", "content", blob_id, sealed, patient_id)


def _path(folder: Path, blob_id: str) -> Path:
    """Two characters of the id name a folder, so that no folder grows without bound."""
    return folder / blob_id[:2] / blob_id


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_suffix(".new")
    handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    staged.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
