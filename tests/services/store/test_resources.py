"""FHIR resources come back byte for byte, in versions, each with its hash."""

import hashlib

import pytest

from services.store import NotInRecord, Role, resources
from tests.services.store.people import NOW, acting_as, enrol
from tests.stack import StoreFactory

# Not what any serialiser would write: spaces, a trailing zero, an escape.
ODD = b'{ "resourceType":"Observation",  "valueQuantity":{"value":4.10},"x":"\\u00e9" }\n'


async def test_the_original_bytes_of_every_version_are_kept(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.GATEWAY)
    person = await enrol(await store_factory(Role.CLINICIAN))
    async with acting_as(store, person) as tx:
        put = [
            await resources.put(tx, "Observation", "o", body, person.patient_id, now=NOW)
            for body in (ODD, b"{}")
        ]
        await resources.put_new(tx, person.patient_id, [("Device", "d", b"1")], now=NOW)
        for body in (b"1", b"2"):
            await resources.put_if_new(tx, person.patient_id, ("Device", "d", body), now=NOW)
    async with acting_as(store, person) as tx:
        first = await resources.get(tx, "Observation", "o", 1)
        newest = await resources.get(tx, "Observation", "o")
        history = await resources.history(tx, "Observation", "o")
        every = await resources.of_patient(tx, person.patient_id, "Observation")
        device = await resources.get(tx, "Device", "d")
        with pytest.raises(NotInRecord):
            await resources.get(tx, "Observation", "o", 3)
    assert put == [1, 2]
    assert first.body == ODD
    assert first.sha256 == hashlib.sha256(ODD).hexdigest()
    assert newest.body == b"{}"
    assert [item.version for item in history] == [1, 2]
    assert [item.version for item in every] == [2]
    assert (device.body, device.version) == (b"1", 1)
