"""Worlds: what is true of the simulated patients. `literature` is the published one; the others
differ from it on purpose, so that no policy can win by knowing its own simulator.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from models.literature import CLASSES
from services.clinical.formulary import DrugClass


class UnknownWorld(ValueError):
    """No world of this name. The message lists those that exist."""


@dataclass(frozen=True, slots=True)
class World:
    """Parameters of one simulated population; defaults are the literature's."""

    name: str
    class_factor: tuple[float, ...] = (1.0,) * len(CLASSES)
    """True effect of each class over the published one, in the order of `CLASSES`."""
    # Source: PHYSIC, JAMA 2023 [S]; variation 0.4-0.5 [A].
    effect_variation: float = 0.45
    # Source: Lasserson 2011, half-time 0.91 weeks (0.74-1.10) [S].
    onset_days: float = 9.0
    # Factor on the rates of missing a dose and of stopping. Source: Vrijens 2008 [S].
    omission_factor: float = 1.0
    stop_per_day: float = 0.0019
    log_honesty: float = 0.9
    """Share of missed doses that the patient's log shows as missed [A]."""
    # Source: Ohasama, home morning systolic day to day [S]; autocorrelation [A].
    day_sd_mmhg: float = 8.6
    day_sd_spread_mmhg: float = 3.1
    autocorrelation: float = 0.3
    # Slow drift: with salt and the error of two weeks' means it gives the 7.7 mmHg that home means
    # change by in a year (SD), Asayama 2021 [S]; the split is derived.
    drift_sd_mmhg: float = 2.4
    drift_days: float = 180.0
    # Half the winter-summer difference [A].
    season_mmhg: float = 2.0
    # Source: -50 mmol a day gives -1.1, -2.1 in longer trials; lag 10 d (Huang 2020) [S].
    salt_sd_mmol: float = 30.0
    reading_missed: float = 0.10
    week_missed: float = 0.03
    # Systematic error of the monitor, one for each patient [A].
    cuff_bias_sd_mmhg: float = 0.0
    symptom_factor: float = 1.0
    age_mean_years: float = 60.0
    untreated_mean_mmhg: float = 152.0
    untreated_sd_mmhg: float = 12.0
    untreated_at_entry: float = 0.45
    """Share that enters without treatment; most others take one drug."""
    # Vomiting or diarrhoea. Source: IID2, 0.27 a person-year, Tam, Gut 2012 [K]; length [A].
    sick_spells_per_year: float = 0.27
    sick_days_mean: float = 3.0


def _factors(**by_class: float) -> tuple[float, ...]:
    return tuple(by_class.get(cls.value, 1.0) for cls in CLASSES)


_SHIFTED: Final = _factors(
    **{
        DrugClass.ACE_INHIBITOR.value: 0.75,
        DrugClass.ARB.value: 0.75,
        DrugClass.THIAZIDE.value: 1.20,
        DrugClass.CALCIUM_CHANNEL_BLOCKER.value: 1.10,
    }
)
_LITERATURE: Final = World("literature")

WORLDS: Final[Mapping[str, World]] = MappingProxyType(
    {
        world.name: world
        for world in (
            _LITERATURE,
            replace(
                _LITERATURE,
                name="shifted",
                class_factor=_SHIFTED,
                effect_variation=0.5,
                onset_days=12.0,
                omission_factor=1.5,
                # Source: 0.6 a person-year by telephone in the United States, FoodNet 2007 [K].
                sick_spells_per_year=0.6,
            ),
            replace(_LITERATURE, name="slow_onset", onset_days=16.0),
            replace(_LITERATURE, name="poor_adherence", omission_factor=2.0, stop_per_day=0.0035),
            replace(_LITERATURE, name="dishonest_log", omission_factor=1.5, log_honesty=0.3),
            replace(
                _LITERATURE,
                name="noisy_cuff",
                day_sd_mmhg=12.0,
                cuff_bias_sd_mmhg=4.0,
                reading_missed=0.25,
            ),
            replace(
                _LITERATURE,
                name="old_and_frail",
                age_mean_years=76.0,
                symptom_factor=1.5,
                drift_sd_mmhg=4.5,
                sick_days_mean=5.0,
            ),
            replace(_LITERATURE, name="severe", untreated_mean_mmhg=168.0, untreated_at_entry=0.2),
        )
    }
)
REFERENCE: Final = replace(
    WORLDS["shifted"],
    name="reference",
    class_factor=_factors(
        **{
            DrugClass.ACE_INHIBITOR.value: 0.75,
            DrugClass.THIAZIDE.value: 1.10,
            DrugClass.CALCIUM_CHANNEL_BLOCKER.value: 1.20,
        }
    ),
    untreated_at_entry=1.0,
    sick_spells_per_year=0.0,
)
"""The small world of three classes and no guard, in `reference.py`; everyone enters untreated, and
nobody falls ill: without a guard nothing would be paused."""
PERSISTENT: Final = replace(REFERENCE, name="reference_persistent", stop_per_day=0.0)
"""The small world in which nobody stops all tablets for good; days count once two decisions
have had their effect. With this the published prototype's figures can be compared."""
SMALL: Final[Mapping[str, World]] = MappingProxyType({w.name: w for w in (REFERENCE, PERSISTENT)})
MISSPECIFIED: Final = tuple(name for name in WORLDS if name != "literature")


def world(name: str) -> World:
    """Return the world of that name.

    Raises:
        UnknownWorld: there is none.
    """
    try:
        return WORLDS[name]
    except KeyError as err:
        raise UnknownWorld(f"no world {name!r}; there are {', '.join(WORLDS)}") from err
