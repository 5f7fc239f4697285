from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from models import dosage
from models.literature import CLASSES
from services.clinical.formulary import Drug, DrugClass
from tests.models.patients import NOW, changed, prescription, snapshot

CCB = 1 + CLASSES.index(DrugClass.CALCIUM_CHANNEL_BLOCKER)
ARB = 1 + CLASSES.index(DrugClass.ARB)


def amlodipine_world(sensitivity: float, *, seed: int) -> dosage.Posterior:
    """A patient whose amlodipine went from none to 10 mg half-way through 120 days."""
    fall = sensitivity * -dosage.design(dosage.exposure_of({Drug.AMLODIPINE: 10_000}))[CCB]
    means = [150.0] * 60 + [150.0 - fall * (1 - np.exp(-day / 9.0)) for day in range(60)]
    change = changed(Drug.AMLODIPINE, 0, 10_000, days_ago=60)
    regimen = (prescription(Drug.AMLODIPINE, 10_000, days_ago=60),)
    return dosage.observe(snapshot(means, regimen, (change,), seed=seed), now=NOW)


def test_without_readings_the_literature_stands() -> None:
    posterior = dosage.observe(snapshot([]), now=NOW)
    assert posterior.days == 0
    assert np.array_equal(posterior.mean, dosage.prior().mean)


def test_the_untreated_level_is_learned() -> None:
    found = [dosage.observe(snapshot([165.0] * 60, seed=s), now=NOW) for s in range(5)]
    assert np.mean([p.mean[0] for p in found]) == pytest.approx(165.0, abs=2.5)


def test_a_strong_responder_is_told_from_a_weak_one() -> None:
    strong = np.mean([amlodipine_world(1.8, seed=s).mean[CCB] for s in range(8)])
    weak = np.mean([amlodipine_world(0.3, seed=s).mean[CCB] for s in range(8)])
    assert strong > 1.15
    assert weak < 0.75


def test_what_was_never_taken_stays_as_the_literature_has_it() -> None:
    posterior = amlodipine_world(1.0, seed=3)
    assert posterior.mean[ARB] == pytest.approx(1.0, abs=1e-9)
    assert posterior.covariance[ARB, ARB] == pytest.approx(0.45**2)


def test_the_covariance_stays_symmetric_and_positive() -> None:
    covariance = amlodipine_world(1.0, seed=4).covariance
    assert np.allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0.0


def test_two_classes_fall_less_than_their_sum() -> None:
    prior = dosage.prior()
    amlodipine, losartan = {Drug.AMLODIPINE: 5_000}, {Drug.LOSARTAN: 50_000}
    both = dosage.change(prior, {}, {**amlodipine, **losartan}).mean_mmhg
    single = [dosage.change(prior, {}, d).mean_mmhg for d in (amlodipine, losartan)]
    assert both == pytest.approx(0.9 * sum(single))


def test_intervals_are_never_bolder_than_they_claim() -> None:
    """The 80 % interval of amlodipine 10 mg holds the truth in 80 % of worlds or more."""
    chance = np.random.default_rng(7)
    hits = []
    for seed in range(120):
        sensitivity = chance.normal(1.0, 0.45)
        posterior = amlodipine_world(sensitivity, seed=100 + seed)
        found = dosage.change(posterior, {Drug.AMLODIPINE: 10_000}, {})
        truth = sensitivity * -dosage.design(dosage.exposure_of({Drug.AMLODIPINE: 10_000}))[CCB]
        hits.append(abs(found.mean_mmhg - truth) <= 1.2816 * found.sd_mmhg)
    # 120 worlds have a standard error of 3.7 points.
    assert np.mean(hits) >= 0.80 - 2 * 0.037


def test_a_row_in_plain_floats_is_the_array_s_to_the_digit() -> None:
    chance = np.random.default_rng(3)
    for untreated in (90.0, 120.0, 152.0, 171.3, 240.0):
        for _ in range(20):
            effect = np.where(chance.random(len(CLASSES)) < 0.6, chance.uniform(0, 9, 6), 0.0)
            plain = dosage.row_of(effect.tolist(), untreated)
            assert plain == dosage.row(effect, untreated).tolist()


def test_a_full_effect_in_plain_floats_is_the_array_s_to_the_digit() -> None:
    exposure = np.random.default_rng(3).uniform(0.0, 4.0, (20, len(CLASSES)))
    plain = [dosage.effect_of(row, 0.83) for row in exposure.tolist()]
    assert plain == (dosage.effects(exposure) * 0.83).tolist()


@pytest.mark.parametrize("before", [0, 5])
def test_a_reading_on_the_patient_s_own_next_day_is_taken_in(before: int) -> None:
    """East of Greenwich the day after has begun while the clock of the record has today."""
    now = NOW.replace(hour=23, minute=45)
    regimen = (prescription(Drug.AMLODIPINE, 5_000),)
    patient = snapshot([150.0] * max(before, 1), regimen)
    just_now = now - timedelta(minutes=5)
    late = replace(patient.readings[-1], taken_at=just_now, utc_offset_minutes=120)
    seen = (*patient.readings[: 2 * before], late)
    assert dosage.observe(replace(patient, readings=seen), now=now).days == before + 1
