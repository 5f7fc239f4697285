"""Every signed version stays; a revocation ends one; the plan is FHIR in the same transaction."""

import pytest

from services.clinical.envelope import Stage
from services.store import NotOpen, Role, envelopes, resources
from services.store.rows import Signature
from tests.services.store.people import NOW, acting_as, enrol, envelope, sign_envelope, signature
from tests.stack import StoreFactory


async def test_versions_count_up_and_a_revoked_one_says_so(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    who, patient_id = person.clinician_id, person.patient_id
    async with acting_as(store, person) as tx:
        assert await envelopes.current(tx, patient_id) is None
        with pytest.raises(NotOpen):
            await envelopes.revoke(tx, patient_id, reason="none", now=NOW)
        draft = envelope(patient_id)
        first = await sign_envelope(tx, draft, who)
        second = await sign_envelope(tx, envelope(patient_id, stage=Stage.ONE_STEP), who)
        in_force = await envelopes.current(tx, patient_id)
        await envelopes.revoke(tx, patient_id, reason="symptoms", now=NOW)
        with pytest.raises(NotOpen):
            await envelopes.revoke(tx, patient_id, reason="again", now=NOW)
        history = await envelopes.history(tx, patient_id)
        plans = await resources.of_patient(tx, patient_id, "CarePlan")
    assert (first, second) == (1, 2)
    assert in_force is not None
    assert (in_force.version, in_force.signed_by, in_force.signed_at) == (2, who, NOW)
    assert [item.envelope.version for item in history] == [2, 1]
    assert [item.envelope.revoked_at for item in history] == [NOW, None]
    assert history[1].signature == signature(who, envelopes.record(draft))
    assert len(plans) == 2


async def test_the_same_envelope_id_may_be_signed_again(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    draft = envelope(person.patient_id)
    async with acting_as(store, person) as tx:
        versions = [await sign_envelope(tx, draft, person.clinician_id) for _ in range(2)]
        plan = await resources.get(tx, "CarePlan", draft.envelope_id)
    assert versions == [1, 2]
    assert plan.version == 2


def test_what_is_signed_is_all_but_number_and_signature() -> None:
    draft = envelope("p")
    body = envelopes.record(draft)
    signed = Signature("Dr c", "c", NOW, "approves", "0" * 64)
    assert signed.record_sha256 not in body.decode()
    assert envelopes.record(envelope("q")) != body
