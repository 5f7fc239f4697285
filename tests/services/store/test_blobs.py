"""A blob is readable by its own patient's key only, and only as it was written."""

import pytest

from services.settings import Settings
from services.store import NotInRecord, Role, blobs
from services.store.errors import Tampered
from tests.services.store.people import acting_as, enrol
from tests.stack import StoreFactory


async def test_a_changed_or_missing_blob_is_named_as_such(
    store_factory: StoreFactory, settings: Settings
) -> None:
    store = await store_factory(Role.CLINICIAN)
    person, other = await enrol(store), await enrol(store)
    async with acting_as(store, person) as tx:
        blob_id = await blobs.write(tx, person.patient_id, b"samples")
        assert await blobs.read(tx, person.patient_id, blob_id) == b"samples"
        with pytest.raises(NotInRecord):
            await blobs.read(tx, person.patient_id, "00nothing")
    async with acting_as(store, other) as tx:
        with pytest.raises(Tampered):
            await blobs.read(tx, other.patient_id, blob_id)
    path = settings.home / "blobs" / blob_id[:2] / blob_id
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(path.read_bytes()[:-1])
    async with acting_as(store, person) as tx:
        with pytest.raises(Tampered):
            await blobs.read(tx, person.patient_id, blob_id)
