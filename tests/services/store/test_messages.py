"""Messages are sealed, read once, and come newest first."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from services.store import Acting, NotInRecord, Role, messages
from services.store.tables.together import MESSAGES
from tests.services.store.people import NOW, acting_as, enrol
from tests.stack import StoreFactory


async def test_a_message_is_sealed_and_its_first_reading_stands(
    store_factory: StoreFactory,
) -> None:
    clinician, gateway = await store_factory(Role.CLINICIAN), await store_factory(Role.GATEWAY)
    person = await enrol(clinician)
    async with gateway.transaction(Acting("device", "d", person.patient_id)) as tx:
        sent = await messages.send(tx, person.patient_id, "How much salt?", now=NOW)
    later = NOW + timedelta(minutes=1)
    async with acting_as(clinician, person) as tx:
        await messages.send(tx, person.patient_id, "Little.", now=later)
        for moment in (NOW, later):
            await messages.mark_read(tx, sent.message_id, now=moment)
        with pytest.raises(NotInRecord):
            await messages.mark_read(tx, "nothing", now=NOW)
        found = await messages.list_for(tx, person.patient_id)
        sealed = (await tx.session.execute(select(MESSAGES.c.body_sealed))).scalars().all()
    assert [(item.from_kind, item.text) for item in found] == [
        ("clinician", "Little."),
        ("patient", "How much salt?"),
    ]
    assert found[1].read_at == NOW
    assert not any(b"salt" in body for body in sealed)
