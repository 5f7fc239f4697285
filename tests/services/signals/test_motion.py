import numpy as np
import pytest

from services.signals.motion import Activity, motion
from services.signals.window import Windows

RATE_HZ = 50.0


def moved(amplitude_g: float, seconds: float = 30.0) -> np.ndarray:
    at = np.arange(0, seconds, 1 / RATE_HZ)
    return np.stack([np.zeros_like(at), np.zeros_like(at), 1 + amplitude_g * np.sin(9 * at)], 1)


@pytest.mark.parametrize(
    ("amplitude_g", "activity"),
    [
        (0.0, Activity.REST),
        (0.08, Activity.LIGHT),
        (0.3, Activity.MODERATE),
        (0.9, Activity.VIGOROUS),
    ],
)
def test_activity_follows_the_published_bounds(amplitude_g: float, activity: Activity) -> None:
    found = motion(Windows(moved(amplitude_g)[None], RATE_HZ, "accelerometer"))
    assert found.activity[0] == activity
    assert found.deviation_g[0] == pytest.approx(2 / np.pi * amplitude_g, rel=0.05, abs=1e-9)


@pytest.mark.parametrize("scale", [0.001, 0.1, 9.80665, 1000.0])
def test_what_is_not_near_gravity_is_another_unit_and_unknown(scale: float) -> None:
    found = motion(Windows(moved(0.3)[None] * scale, RATE_HZ, "accelerometer"))
    assert np.isnan([found.deviation_g[0], found.activity[0], found.rest[0]]).all()


def test_one_restless_moment_is_not_rest() -> None:
    samples = moved(0.0)
    samples[500:750] = moved(0.5)[500:750]
    found = motion(Windows(samples[None], RATE_HZ, "accelerometer"))
    assert (
        found.rest[0] == 0
        and motion(Windows(moved(0.0)[None], RATE_HZ, "accelerometer")).rest[0] == 1
    )


def test_magnitude_and_axes_agree() -> None:
    axes = moved(0.3)[None]
    size = np.linalg.norm(axes, axis=2)
    one = motion(Windows(axes, RATE_HZ, "accelerometer"))
    two = motion(Windows(size, RATE_HZ, "accelerometer"))
    assert one.deviation_g == pytest.approx(two.deviation_g)


@pytest.mark.parametrize("known", [0.0, 0.5])
def test_too_little_known_is_unknown_and_not_rest(known: float) -> None:
    samples = moved(0.0)[None].copy()
    samples[:, int(known * samples.shape[1]) :] = np.nan
    found = motion(Windows(samples, RATE_HZ, "accelerometer"))
    assert np.isnan(found.rest[0]) and np.isnan(found.activity[0])
