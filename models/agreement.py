"""The agreement model: how likely a clinician is to take the proposed move as it is.

It learns from clinicians' decisions and from nothing else; the outcome model learns from pressures
and never sees a decision, so that no model is taught to repeat its own acceptances. It informs
envelopes and workload: nothing that ranks or judges a move reads it.

A plain logistic regression with a small ridge; patients are split, never a patient's decisions.
"""

import argparse
import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata

from models import artifact, decisions
from models.cohort import BadCohort
from models.decisions import FEATURES, Array, Decisions

RIDGE: Final = 1.0
"""On every weight but the intercept: as strong as one decision at the scale's edge."""
HELD_OUT_OF: Final = 5
"""Every fifth patient, by a hash of the subject, is for testing alone."""
FEWEST_PATIENTS: Final = 20


class TooFewDecisions(BadCohort):
    name = "too_few_decisions"


@dataclass(frozen=True, slots=True)
class Agreement:
    """The model: probability = expit(intercept + x · weights)."""

    intercept: float
    weights: tuple[float, ...]

    def probability(self, features: Array) -> Array:
        """Return how likely each proposal is to be taken as it is, (n,)."""
        return np.asarray(expit(self.intercept + features @ np.array(self.weights)))


@dataclass(frozen=True, slots=True)
class Report:
    """On patients that the fit did not see. Calibration is perfect at slope 1 and intercept 0."""

    patients: int
    decisions: int
    accepted_share: float
    auc: float
    auc_standard_error: float
    brier: float
    brier_of_the_share: float
    """Of saying the training share each time: what the features add is the difference."""
    calibration_slope: float
    calibration_intercept: float


def fit(held: Decisions) -> Agreement:
    """Return the ridge fit; the intercept is free."""
    x = np.concatenate([np.ones((len(held.features), 1)), held.features], axis=1)
    y = held.accepted.astype(np.float64)
    ridge = np.full(x.shape[1], RIDGE)
    ridge[0] = 0.0

    def loss(beta: Array) -> tuple[float, Array]:
        logits = x @ beta
        total = np.logaddexp(0.0, logits).sum() - y @ logits + 0.5 * ridge @ beta**2
        return float(total), x.T @ (expit(logits) - y) + ridge * beta

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B")
    return Agreement(float(found.x[0]), tuple(float(v) for v in found.x[1:]))


def split(held: Decisions) -> tuple[Decisions, Decisions]:
    """Return decisions to learn from and to test on; no patient is in both.

    Raises:
        TooFewDecisions: too few patients, or one side holds a single answer.
    """
    if len(set(held.subject)) < FEWEST_PATIENTS:
        raise TooFewDecisions(f"{len(set(held.subject))} patients, at least {FEWEST_PATIENTS}")
    test = np.array([_is_for_testing(subject) for subject in held.subject])
    parts = _part(held, ~test), _part(held, test)
    if any(len(set(part.accepted.tolist())) < 2 for part in parts):
        raise TooFewDecisions("one side of the split holds a single answer")
    return parts


def _is_for_testing(subject: str) -> bool:
    return hashlib.sha256(subject.encode()).digest()[0] % HELD_OUT_OF == 0


def _part(held: Decisions, chosen: NDArray[np.bool_]) -> Decisions:
    subjects = tuple(s for s, c in zip(held.subject, chosen, strict=True) if c)
    return Decisions(held.features[chosen], held.accepted[chosen], subjects)


def report(model: Agreement, test: Decisions, *, share: float) -> Report:
    """Return how well the model does on `test`; `share` is the accepted share in training."""
    said = model.probability(test.features)
    was = test.accepted.astype(np.float64)
    auc, error = _auc(said, test.accepted)
    intercept, slope = _calibration(said, was)
    return Report(
        patients=len(set(test.subject)),
        decisions=len(was),
        accepted_share=float(was.mean()),
        auc=auc,
        auc_standard_error=error,
        brier=float(((said - was) ** 2).mean()),
        brier_of_the_share=float(((share - was) ** 2).mean()),
        calibration_slope=slope,
        calibration_intercept=intercept,
    )


def _auc(said: Array, accepted: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the area under the curve and its standard error (Hanley and McNeil 1982)."""
    n1, n0 = int(accepted.sum()), int((~accepted).sum())
    area = float((rankdata(said)[accepted].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (n1 - 1) * (q1 - area**2) + (n0 - 1) * (q2 - area**2)
    return area, math.sqrt(max(spread, 0.0) / (n1 * n0))


def _calibration(said: Array, was: Array) -> tuple[float, float]:
    logits = np.log(said / (1 - said))

    def loss(beta: Array) -> float:
        found = beta[0] + beta[1] * logits
        return float(np.logaddexp(0.0, found).sum() - was @ found)

    found = minimize(loss, np.array([0.0, 1.0]), method="BFGS")
    return float(found.x[0]), float(found.x[1])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--decisions", type=Path, required=True, help="a decisions file")
    parser.add_argument("--json", type=Path, required=True, help="where model and report go")


def run(options: argparse.Namespace) -> int:
    """Fit, test on patients held out, write the model with its report.

    Raises:
        BadCohort: the file is refused, or it holds too few decisions.
    """
    learn, test = split(decisions.read(options.decisions))
    model = fit(learn)
    found = report(model, test, share=float(learn.accepted.mean()))
    weights = dict(zip(FEATURES, model.weights, strict=True))
    content = {
        "model": {"intercept": model.intercept, "weights": weights},
        "learned_from": {"patients": len(set(learn.subject)), "decisions": len(learn.accepted)},
        "held_out": asdict(found),
    }
    artifact.replace(options.json, (json.dumps(content, indent=1) + "\n").encode())
    print(
        f"AUC {found.auc:.3f} (SE {found.auc_standard_error:.3f}), Brier {found.brier:.3f} against "
        f"{found.brier_of_the_share:.3f} of the share alone, calibration slope "
        f"{found.calibration_slope:.2f}; {found.patients} patients held out"
    )
    return 0
