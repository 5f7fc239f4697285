"""Wearable context: named, versioned, on the patient's own clock; missing stays missing."""

from datetime import datetime, timedelta

import pytest

from services.clinical.averaging import average
from services.clinical.patient import Snapshot
from services.clinical.units import Mmhg
from services.signals.circadian import COURSES
from services.signals.features import FEATURE_ORDER
from services.signals.wearable import WEARABLE_VERSION
from services.store import Role, readings
from services.store.rows import NewReading
from services.store.snapshots import build
from tests.services.store.people import NOW, Person, acting_as, enrol, enrol_treated
from tests.services.store.worn import Seen, wear
from tests.stack import StoreFactory

MIDNIGHT = NOW.replace(hour=0)
COURSE_NAMES = {name for names in COURSES.values() for name in names if name is not None}


async def seen_by_judgement(store_factory: StoreFactory, person: Person) -> Snapshot:
    store = await store_factory(Role.CLINICIAN)
    async with acting_as(store, person) as tx:
        snapshot, _ = await build(tx, person.patient_id, now=NOW)
    return snapshot


def around_the_clock(days: int, *, shift: timedelta = timedelta(0)) -> list[Seen]:
    """Asleep from 22 to 6 by the clock of `shift`, slower and at rest; a window each half hour."""
    moments = []
    for half_hour in range(1, 48 * days + 1):
        at = NOW - timedelta(minutes=30 * half_hour)
        asleep = not 6 <= (at + shift).hour < 22
        features = {
            "heart_rate_bpm": 60.0 if asleep else 80.0,
            "rest": 1.0 if asleep else 0.0,
            "motion_deviation_g": 0.004 if asleep else 0.05,
        }
        moments.append(Seen(at, features))
    return moments


async def test_the_course_of_day_and_night_is_in_the_snapshot(store_factory: StoreFactory) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    await wear(store_factory, person, around_the_clock(3))
    snapshot = await seen_by_judgement(store_factory, person)
    found = dict(snapshot.wearable_features)
    assert {name: found[name] for name in COURSE_NAMES} == pytest.approx(
        {
            "heart_rate_day_bpm": 80.0,
            "heart_rate_night_bpm": 60.0,
            "heart_rate_dip_fraction": 0.25,
            "rest_day_fraction": 0.0,
            "rest_night_fraction": 1.0,
            "motion_deviation_day_g": 0.05,
            "motion_deviation_night_g": 0.004,
        }
    )
    assert snapshot.wearable_version == WEARABLE_VERSION == "signals-2+course-1"
    assert [name for name, _ in snapshot.wearable_features] == sorted(found)


def test_no_name_of_the_course_is_a_name_that_a_model_takes_in() -> None:
    assert not COURSE_NAMES & set(FEATURE_ORDER)


async def test_the_night_is_the_patients_own(store_factory: StoreFactory) -> None:
    """Ten hours east, half of the UTC night is spent awake: a dip by UTC would be a false one."""
    store = await store_factory(Role.CLINICIAN)
    person = await enrol(store)
    east = timedelta(hours=10)
    async with acting_as(store, person) as tx:
        await readings.record(
            tx,
            person.patient_id,
            [NewReading("r", Mmhg(140), Mmhg(80), 70, NOW - timedelta(days=5), 600)],
            now=NOW,
        )
    await wear(store_factory, person, around_the_clock(4, shift=east))
    found = dict((await seen_by_judgement(store_factory, person)).wearable_features)
    assert found["heart_rate_night_bpm"] == pytest.approx(60.0)
    assert found["heart_rate_dip_fraction"] == pytest.approx(0.25)


async def test_too_few_moments_of_a_part_of_the_day_give_no_value(
    store_factory: StoreFactory,
) -> None:
    """A long recording within a quarter of an hour is one moment, not a night."""
    person = await enrol(await store_factory(Role.CLINICIAN))
    by_day = [each for each in around_the_clock(2) if 9 <= each.at.hour < 21]
    one_spell = [
        Seen(MIDNIGHT + timedelta(hours=2, seconds=30 * n), {"heart_rate_bpm": 60.0})
        for n in range(20)
    ]
    await wear(store_factory, person, [*by_day, *one_spell])
    found = dict((await seen_by_judgement(store_factory, person)).wearable_features)
    assert found["heart_rate_day_bpm"] == pytest.approx(80.0)
    assert COURSE_NAMES & found.keys() == {
        "heart_rate_day_bpm",
        "rest_day_fraction",
        "motion_deviation_day_g",
    }


async def test_features_of_another_version_are_not_mixed_in(store_factory: StoreFactory) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    hour = timedelta(hours=1)
    flag = {"heart_rate_bpm": 190.0, "irregular_rhythm": 1.0}
    await wear(
        store_factory,
        person,
        [
            Seen(NOW - 2 * hour, flag, feature_version="1"),
            Seen(NOW - hour, {"heart_rate_bpm": 70.0}),
        ],
    )
    snapshot = await seen_by_judgement(store_factory, person)
    assert snapshot.wearable_features == (("heart_rate_bpm", 70.0),)
    assert snapshot.irregular_rhythm_flag_at == NOW - 2 * hour, "a flag holds, whoever raised it"


async def test_only_a_window_fit_for_rhythm_raises_the_flag(store_factory: StoreFactory) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    hour, irregular = timedelta(hours=1), {"irregular_rhythm": 1.0}
    await wear(
        store_factory,
        person,
        [Seen(NOW - hour, irregular, grade="rate"), Seen(NOW - 3 * hour, irregular)],
    )
    snapshot = await seen_by_judgement(store_factory, person)
    assert snapshot.irregular_rhythm_flag_at == NOW - 3 * hour


async def test_who_wears_nothing_has_no_context_and_no_version(store_factory: StoreFactory) -> None:
    person = await enrol(await store_factory(Role.CLINICIAN))
    snapshot = await seen_by_judgement(store_factory, person)
    assert (snapshot.wearable_features, snapshot.wearable_version) == ((), None)
    assert snapshot.irregular_rhythm_flag_at is None


async def test_no_window_changes_a_reading_or_an_average(store_factory: StoreFactory) -> None:
    person = await enrol_treated(await store_factory(Role.CLINICIAN))
    bare = await seen_by_judgement(store_factory, person)
    await wear(store_factory, person, around_the_clock(2))
    worn = await seen_by_judgement(store_factory, person)
    assert worn.wearable_features and not bare.wearable_features
    assert worn.readings == bare.readings

    def averaged(snapshot: Snapshot, now: datetime = NOW) -> object:
        return average(snapshot.readings, now=now, last_change_at=None, target=snapshot.target)

    assert averaged(worn) == averaged(bare)
