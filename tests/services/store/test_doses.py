"""Adherence: a dose that nobody confirmed was due and not taken; unknown stays unknown."""

from dataclasses import replace
from datetime import timedelta

from services.clinical.formulary import Drug
from services.clinical.patient import Adherence
from services.clinical.units import Micrograms
from services.store import Role, doses, regimen
from services.store.doses import DoseEntry, count
from tests.services.store.people import NOW, acting_as, amlodipine, confirmed_doses, enrol
from tests.stack import StoreFactory

START = NOW - timedelta(days=28)


def entries(days: int, *, taken: bool = True) -> list[DoseEntry]:
    return [
        DoseEntry(Drug.AMLODIPINE, Micrograms(5000), taken, NOW - timedelta(days=day, minutes=1))
        for day in range(days)
    ]


def test_every_day_confirmed_is_full_adherence() -> None:
    assert count([amlodipine()], entries(28), start=START, now=NOW) == Adherence(28, 28)


def test_silence_counts_as_not_taken() -> None:
    assert count([amlodipine()], entries(7), start=START, now=NOW) == Adherence(7, 28)


def test_a_missed_dose_is_due_and_not_taken() -> None:
    given = [*entries(27), DoseEntry(Drug.AMLODIPINE, Micrograms(5000), False, START)]
    assert count([amlodipine()], given, start=START, now=NOW) == Adherence(27, 28)


def test_a_drug_that_began_later_is_due_from_then() -> None:
    later = replace(amlodipine(), since=NOW - timedelta(days=10))
    assert count([later], entries(10), start=START, now=NOW) == Adherence(10, 10)


def test_a_paused_drug_is_not_due() -> None:
    paused = replace(amlodipine(), paused_since=NOW - timedelta(days=14))
    fortnight = [item for item in entries(28) if item.taken_at < NOW - timedelta(days=14)]
    assert count([paused], fortnight, start=START, now=NOW) == Adherence(14, 14)


def test_twice_a_day_is_due_twice_a_day() -> None:
    twice = replace(amlodipine(), times_a_day=2)
    assert count([twice], entries(28), start=START, now=NOW) == Adherence(28, 56)


def test_nothing_prescribed_is_nothing_known() -> None:
    assert count([], entries(3), start=START, now=NOW) is None


async def test_without_any_confirmation_adherence_is_unknown(store_factory: StoreFactory) -> None:
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    async with acting_as(store, person) as tx:
        await regimen.import_prescriptions(tx, person.patient_id, [amlodipine()], now=NOW)
        assert await doses.adherence(tx, person.patient_id, now=NOW) is None
        results = await doses.record(tx, person.patient_id, confirmed_doses(), now=NOW)
        again = await doses.record(tx, person.patient_id, confirmed_doses()[:2], now=NOW)
        found = await doses.adherence(tx, person.patient_id, now=NOW)
    assert {item.status for item in results} == {"stored"}
    assert [item.status for item in again] == ["duplicate", "duplicate"]
    assert found == Adherence(28, 28)
