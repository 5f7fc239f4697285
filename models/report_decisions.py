"""The parts of the page about decisions: off-policy estimates, workload, agreement, sanity."""

import html
from typing import Any, Final

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from models.report_parts import picture, table, with_bounds

Json = dict[str, Any]
_ESTIMATES: Final = ("truth", "wis", "dr", "fqe")
_WORK: Final = (
    ("clinician_decisions_per_year", "decisions a patient-year"),
    ("plans_signed_per_year", "plans signed a patient-year"),
    ("clinician_minutes_per_year", "clinician's minutes a patient-year"),
    ("alarms_per_year", "alarms a patient-year"),
    ("days_above_target_before_a_step_up", "days above target before a step up"),
    ("ttr_percent", "time in target, % of days"),
    ("sbp_below_100_days_per_year", "days under 100 mmHg a patient-year"),
    ("symptomatic_ae_percent", "patients with a symptom, %"),
)


def parts(result: Json) -> list[str]:
    """Return the sections."""
    return [
        "<h2>Off-policy estimates beside the truth</h2>",
        picture(_estimates_plot(result["off_policy"]), "Estimates and truth by policy"),
        _estimates(result["off_policy"]),
        "<h2>Work</h2>",
        _work(result["workload"]),
        "<h2>Agreement and sanity of the best move</h2>",
        _sanity(result["sanity"]),
    ]


def _estimates(found: Json) -> str:
    head = ["policy", *_ESTIMATES, "patients that the weights are worth"]
    rows = [
        [name, *(with_bounds(held[e]) for e in _ESTIMATES), held["effective_patients"]]
        for name, held in found["targets"].items()
    ]
    ranks = ", ".join(
        f"{e}: {'yes' if ok else 'no'}" for e, ok in found["ranks_as_the_truth"].items()
    )
    return (
        f"{table(head, rows)}<p>Time in target, % of days. Ranks the policies as the truth does: "
        f"{html.escape(ranks)}.</p>"
    )


def _estimates_plot(found: Json) -> Figure:
    figure, axes = plt.subplots(figsize=(7, 3))
    for place, estimate in enumerate(_ESTIMATES):
        held = [target[estimate] for target in found["targets"].values()]
        where = [at + 0.15 * (place - 1.5) for at in range(len(held))]
        means = [h["mean"] for h in held]
        spread = [
            [h["mean"] - h["low"] for h in held],
            [h["high"] - h["mean"] for h in held],
        ]
        axes.errorbar(means, where, xerr=spread, fmt="o", label=estimate)
    axes.set_yticks(range(len(found["targets"])), list(found["targets"]))
    axes.set_xlabel("time in target, % of days, 95 %")
    axes.legend(fontsize=8)
    return figure


def _work(found: Json) -> str:
    arms = found["arms"]
    rows = [
        [label, *(with_bounds(arm[key]) if arm[key] else "none" for arm in arms.values())]
        for key, label in _WORK
    ]
    alone = [f"{arm['steps_alone_percent']} %" for arm in arms.values()]
    rows.append(["steps taken alone inside a plan", *alone])
    safe = ", ".join(f"{n}: {'yes' if ok else 'no'}" for n, ok in found["equally_safe_as"].items())
    assumed = ", ".join(f"{name} {value}" for name, value in found["assumed"].items())
    return (
        f"{table(['', *arms], rows)}<p>The loops are as safe (days under 100 mmHg) as: "
        f"{html.escape(safe)}. Assumed: {html.escape(assumed)}.</p>"
    )


def _sanity(found: Json) -> str:
    rows = []
    for name, held in found.items():
        rows.append([name, "sane, % of best moves", with_bounds(held["sane_percent"])])
        rows += [[name, why, f"{share} %"] for why, share in held["frowned_at_percent"].items()]
        rows += [
            [name, f"{engine}: {what}", with_bounds(figure)]
            for engine, agreed in held["agreement"].items()
            for what, figure in agreed.items()
        ]
    return table(["ranker", "", "figure"], rows)
