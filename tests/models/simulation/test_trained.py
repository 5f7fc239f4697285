from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import network
from models.artifact import Artifact
from models.simulation import reference, trained, trial
from models.simulation.legal import MoveBook
from models.simulation.policies import POLICIES
from models.simulation.trial import Design
from models.simulation.worlds import WORLDS
from tests.models import models_made

DESIGN = Design(100, 84, 28)


def model(folder: Path, net: network.Network | None = None) -> Artifact:
    made = models_made.made(folder, Ed25519PrivateKey.generate())
    return made if net is None else Artifact(net, made.manifest)


def test_an_untrained_network_chooses_what_the_filter_chooses(tmp_path: Path) -> None:
    book = MoveBook()
    policy = trained.policy(model(tmp_path, network.initial(1)))
    ours = trial.run(policy, WORLDS["literature"], DESIGN, 2, book)
    theirs = trial.run(POLICIES["filter"], WORLDS["literature"], DESIGN, 2, book)
    assert np.array_equal(ours.last_systolic, theirs.last_systolic)


def test_a_learned_shift_changes_the_choice_and_never_the_moves_allowed(tmp_path: Path) -> None:
    policy = trained.policy(model(tmp_path))
    ours = trial.run(policy, WORLDS["literature"], DESIGN, 2, MoveBook())
    theirs = trial.run(POLICIES["filter"], WORLDS["literature"], DESIGN, 2, MoveBook())
    assert not np.array_equal(ours.last_systolic, theirs.last_systolic)
    assert ours.most_rungs_raised <= 2


def test_the_small_world_knows_the_model_too(tmp_path: Path) -> None:
    untrained = trained.chooser(model(tmp_path, network.initial(1)))
    ours = reference.run(untrained, DESIGN, 2)
    theirs = reference.run(reference.by_filter, DESIGN, 2)
    assert np.array_equal(ours.last_systolic, theirs.last_systolic)
