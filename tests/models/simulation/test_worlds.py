import pytest

from models.simulation.worlds import MISSPECIFIED, WORLDS, UnknownWorld, world


def test_five_worlds_or_more_differ_from_the_literature() -> None:
    assert len(MISSPECIFIED) >= 5
    assert all(WORLDS[name] != WORLDS["literature"] for name in MISSPECIFIED)


def test_an_unknown_world_is_refused_by_name() -> None:
    with pytest.raises(UnknownWorld, match="atlantis"):
        world("atlantis")
