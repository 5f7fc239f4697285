"""Somebody is always told: the team, who covers, the leads, everybody, at last the clinic."""

from dataclasses import replace
from datetime import timedelta

from services.store import Acting, Role, credentials, patients
from services.store.on_call import CLINIC, recipients
from tests.services.store.people import NOW, clinician, new_patient
from tests.stack import StoreFactory


async def test_each_rung_adds_people_and_absence_goes_to_cover(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    async with store.transaction(Acting("clinician", "own", None)) as tx:
        row = await patients.enrol(tx, new_patient("own"), now=NOW)
        p = row.patient_id
        assert await recipients(tx, p, rung=0, now=NOW) == (CLINIC,)
        own = clinician("own", "cover")
        for one in (own, clinician("cover"), clinician("boss", None, "lead"), clinician("x")):
            await credentials.add_clinician(tx, one, now=NOW)
        assert await recipients(tx, p, rung=0, now=NOW) == ("own",)
        assert await recipients(tx, p, rung=1, now=NOW) == ("own", "cover")
        assert set(await recipients(tx, p, rung=2, now=NOW)) == {"own", "cover", "boss", "x"}
        away = replace(own, away_until=NOW + timedelta(days=1))
        await credentials.change_clinician(tx, away, now=NOW)
        assert await recipients(tx, p, rung=0, now=NOW) == ("cover",)
        back = NOW + timedelta(days=2)
        assert await recipients(tx, p, rung=0, now=back) == ("own",)
        await credentials.change_clinician(tx, replace(own, active=False), now=NOW)
        assert await recipients(tx, p, rung=0, now=NOW) == ("boss",)
