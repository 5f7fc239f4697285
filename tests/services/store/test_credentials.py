"""Codes are spent once, families end together, failures are counted in a row."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from services.store import Acting, NotInRecord, Role, credentials
from services.store.rows import DeviceRow, RefreshRow
from tests.services.store.people import NOW, clinician, enrol
from tests.stack import StoreFactory

DOOR = Acting("system", "door", None)
LATER = NOW + timedelta(minutes=10)


async def test_an_enrolment_code_is_spent_once_and_expires(store_factory: StoreFactory) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    store = await store_factory(Role.GATEWAY)
    async with store.transaction(DOOR) as tx:
        for name in ("once", "late"):
            await credentials.issue_code(tx, person.patient_id, name, expires_at=LATER, now=NOW)

    async def use(name: str) -> str | None:
        async with store.transaction(DOOR) as tx:
            return await credentials.use_code(tx, name, now=NOW)

    used = await asyncio.gather(*(use("once") for _ in range(4)))
    assert sorted(used, key=str) == sorted([person.patient_id, None, None, None], key=str)
    assert await use("unknown") is None
    async with store.transaction(DOOR) as tx:
        assert await credentials.use_code(tx, "late", now=LATER) is None


async def test_a_refresh_family_ends_together(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.GATEWAY)
    first = RefreshRow("h1", "family", "device", None, NOW, LATER, None, None)
    async with store.transaction(DOOR) as tx:
        await credentials.add_refresh(tx, first)
        await credentials.add_refresh(tx, replace(first, token_hash="h2"))
        await credentials.spend_refresh(tx, "h1", now=NOW)
        await credentials.spend_refresh(tx, "h1", now=LATER)
        await credentials.revoke_family(tx, "family", now=NOW)
        found = [await credentials.refresh(tx, name) for name in ("h1", "h2", "h3")]
    assert found == [
        replace(first, used_at=NOW, revoked_at=NOW),
        replace(first, token_hash="h2", revoked_at=NOW),
        None,
    ]


async def test_failures_are_counted_in_a_row(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    async with store.transaction(DOOR) as tx:
        counted = [await credentials.count_failure(tx, "name", now=NOW) for _ in range(3)]
        assert await credentials.failures(tx, "name") == (3, NOW)
        await credentials.clear_failures(tx, "name")
        assert await credentials.failures(tx, "name") == (0, None)
    assert counted == [1, 2, 3]


async def test_accounts_are_found_by_name_changed_and_never_doubled(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.CLINICIAN)
    ada = clinician("ada", None, "lead", "clinician")
    async with store.transaction(DOOR) as tx:
        await credentials.add_clinician(tx, ada, now=NOW)
        changed = replace(ada, active=False, away_until=LATER)
        await credentials.change_clinician(tx, changed, now=NOW)
        assert await credentials.clinician_by_username(tx, "user-ada") == changed
        assert await credentials.clinician_by_username(tx, "user-bea") is None
        assert await credentials.clinicians(tx) == (changed,)
        with pytest.raises(NotInRecord):
            await credentials.clinician(tx, "bea")
        with pytest.raises(NotInRecord):
            await credentials.change_clinician(tx, clinician("bea"), now=NOW)
    with pytest.raises(IntegrityError):
        async with store.transaction(DOOR) as tx:
            await credentials.add_clinician(tx, replace(ada, clinician_id="other"), now=NOW)


async def test_a_revoked_device_and_token_stay_revoked(store_factory: StoreFactory) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    store = await store_factory(Role.GATEWAY)
    device = DeviceRow("dev", person.patient_id, "M3", None, True, None, NOW, None)
    async with store.transaction(Acting("device", "dev", person.patient_id)) as tx:
        await credentials.add_device(tx, device, now=NOW)
        assert await credentials.devices(tx, person.patient_id) == (device,)
        for moment in (NOW, LATER):
            await credentials.revoke_device(tx, "dev", now=moment)
        assert await credentials.device(tx, "dev") == replace(device, revoked_at=NOW)
        for _ in range(2):
            await credentials.revoke_token(tx, "t", expires_at=LATER, now=NOW)
        assert await credentials.is_revoked(tx, "t")
        assert not await credentials.is_revoked(tx, "u")
