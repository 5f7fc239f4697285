"""Spells come and pass at the world's rate, and leave a mark while they last."""

from dataclasses import replace

import numpy as np
import pytest

from models.simulation.body import Body
from models.simulation.people import draw
from models.simulation.sickness import DRY_SYSTOLIC_MMHG, Sickness
from models.simulation.worlds import WORLDS

WORLD = replace(WORLDS["literature"], sick_spells_per_year=4.0)


def test_spells_come_at_the_rate_of_the_world_and_last_as_long() -> None:
    sickness = Sickness(4_000, WORLD, np.random.default_rng(1))
    spells = ill_days = 0
    for morning in range(1, 366):
        sickness.live(morning)
        spells += int((sickness.reported_on == morning).sum())
        ill_days += int(sickness.open.sum())
    well_share = 1.0 - ill_days / (4_000 * 365)
    assert spells / 4_000 == pytest.approx(4.0 * well_share, rel=0.04)
    assert ill_days / spells == pytest.approx(WORLD.sick_days_mean, rel=0.05)


def test_nobody_is_ill_before_entry_and_nobody_in_a_world_without_spells() -> None:
    sickness = Sickness(2_000, WORLD, np.random.default_rng(1))
    for morning in range(-28, 1):
        sickness.live(morning)
    assert not sickness.open.any() and not sickness.dry.any()
    never = Sickness(2_000, replace(WORLD, sick_spells_per_year=0.0), np.random.default_rng(1))
    for morning in range(1, 90):
        never.live(morning)
    assert not never.open.any()


def test_the_dry_have_lower_pressure_and_a_faster_pulse_until_they_are_well() -> None:
    chance = np.random.default_rng(2)
    body = Body(draw(500, WORLD, chance), WORLD, chance)
    pressure, pulse = body.latent_systolic(), body.pulse()
    body.sickness.dry = np.ones(500)
    assert body.latent_systolic() == pytest.approx(pressure - DRY_SYSTOLIC_MMHG)
    assert (body.pulse() > pulse).all()
    for _ in range(14):
        body.sickness.live(-1)
    assert body.latent_systolic() == pytest.approx(pressure, abs=0.05)


def test_the_rest_of_a_world_is_the_same_with_and_without_spells() -> None:
    bodies = []
    for world in (WORLD, replace(WORLD, sick_spells_per_year=0.0)):
        chance = np.random.default_rng(3)
        body = Body(draw(300, world, chance), world, chance)
        for _ in range(40):
            body.live()
        bodies.append(body)
    assert bodies[0].sickness.dry.any()
    assert np.array_equal(bodies[0].untreated(), bodies[1].untreated())
    assert np.array_equal(bodies[0].took, bodies[1].took)
