"""The latest decision on each purpose holds, and every one is kept."""

from sqlalchemy import func, select

from services.clinical.patient import ConsentPurpose
from services.store import Role, consents
from services.store.tables.people import CONSENTS
from tests.services.store.people import NOW, acting_as, enrol
from tests.stack import StoreFactory

MONITORING, TITRATION = ConsentPurpose.MONITORING, ConsentPurpose.TITRATION


async def test_withdrawn_consent_is_gone_at_once_and_its_history_stays(
    store_factory: StoreFactory,
) -> None:
    store = await store_factory(Role.GATEWAY)
    person = await enrol(await store_factory(Role.CLINICIAN))
    seen = []
    for change, purpose in (
        (None, None),
        (consents.grant, MONITORING),
        (consents.grant, TITRATION),
        (consents.withdraw, MONITORING),
        (consents.grant, MONITORING),
        (consents.withdraw, TITRATION),
    ):
        # The same moment each time: the order of writing decides, not the clock.
        async with acting_as(store, person) as tx:
            if change is not None and purpose is not None:
                await change(tx, person.patient_id, purpose, now=NOW)
            seen.append(await consents.current(tx, person.patient_id))
    assert seen == [
        set(),
        {MONITORING},
        {MONITORING, TITRATION},
        {TITRATION},
        set(seen[2]),
        {MONITORING},
    ]
    async with acting_as(store, person) as tx:
        kept = await tx.session.execute(select(func.count()).select_from(CONSENTS))
        assert kept.scalar_one() == 5
