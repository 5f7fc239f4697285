"""The evaluation as one HTML page with its plots inside: no script, nothing loaded from outside."""

import html
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from models import report_decisions
from models.report_parts import picture as _picture

Json = dict[str, Any]
_SHOWN = (
    ("ttr_percent", "time in target, % of days"),
    ("sbp_below_100_days_per_year", "days under 100 mmHg a patient-year"),
    ("latent_below_105_percent", "home mean under 105 mmHg, % of days"),
    ("symptomatic_ae_percent", "patients with a symptom, %"),
)
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .75rem;text-align:right;"
    "border-bottom:1px solid #ccc}th:first-child,td:first-child{text-align:left}img{max-width:100%}"
)
_BOUNDS = (
    "<p>Two bounds, no choosers: <b>knowable</b> knows each person's level, adherence, and how the "
    "classes work that they have taken; <b>oracle</b> knows all classes in each person, tried or "
    "not, and who will have symptoms.</p>"
)


def page(result: Json) -> str:
    """Return the page."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Evaluation</title>",
        f"<style>{_STYLE}</style><h1>Evaluation of the dosage model</h1>",
        f"<p><strong>{html.escape(result['simulated'])}</strong> Model "
        f"{html.escape(str(result['model']))}, ε {result['epsilon']} per patient (δ 1e-5).</p>",
        _verdict(result["verdict"]),
        "<h2>Guarded worlds, equal moves</h2>",
        _picture(_worlds_plot(result["worlds"]), "Time in target by world and policy"),
        *(_table(name, held) for name, held in result["worlds"].items()),
        "<h2>Small world: three classes, no guard</h2>",
        *(_table(name, held) for name, held in result["small_world"].items()),
        "<h2>90 % intervals of the next week's mean</h2>",
        _coverage(result["coverage"]),
        *report_decisions.parts(result),
        "<h2>Error against ε</h2>",
        _picture(_sweep_plot(result["epsilon_sweep"]), "RMSE by epsilon"),
        "<h2>Time</h2>",
        _pairs(result["time"]),
    ]
    return "\n".join(parts)


def _verdict(found: Json) -> str:
    rows = []
    for name in found["filter"]:
        cells = []
        for ranker in ("filter", "model"):
            held = found[ranker][name]
            word = "wins" if held["wins"] else "does not win"
            cells.append(
                f"<td>{word}, {held['percent_of_knowable']} % of what could be known, "
                f"{held['percent_of_oracle']} % of the oracle</td>"
            )
        gain = found["network_over_filter_points"][name]
        cells.append(f"<td>{gain['mean']:+.2f} ({gain['low']:+.2f} to {gain['high']:+.2f})</td>")
        rows.append(f"<tr><td>{html.escape(name)}</td>{''.join(cells)}</tr>")
    head = "<th>world</th><th>filter</th><th>model</th><th>network over filter, points</th>"
    return f"<h2>Verdict</h2><table><tr>{head}</tr>{''.join(rows)}</table>{_BOUNDS}"


def _table(name: str, result: Json) -> str:
    head = "".join(f"<th>{html.escape(label)}</th>" for _, label in _SHOWN)
    rows = []
    for policy, figures in result["policies"].items():
        cells = "".join(
            f"<td>{figures[key]['mean']:.2f} ({figures[key]['low']:.2f} to "
            f"{figures[key]['high']:.2f})</td>"
            for key, _ in _SHOWN
        )
        rows.append(f"<tr><td>{html.escape(policy)}</td>{cells}</tr>")
    return (
        f"<h3>{html.escape(name)}</h3><table><tr><th>policy</th>{head}</tr>{''.join(rows)}</table>"
    )


def _coverage(found: Json) -> str:
    groups = found["filter"]["covered_percent_by_group"]
    rows = [
        f"<tr><td>{html.escape(group)}</td><td>{share:.1f}</td>"
        f"<td>{found['model']['covered_percent_by_group'][group]:.1f}</td></tr>"
        for group, share in groups.items()
    ]
    both = "".join(
        f"<p>{name}: RMSE {found[name]['rmse_mmhg']} mmHg, covered "
        f"{found[name]['covered_percent']} %.</p>"
        for name in ("filter", "model")
    )
    head = "<tr><th>group</th><th>filter, %</th><th>model, %</th></tr>"
    return f"{both}<table>{head}{''.join(rows)}</table>"


def _pairs(found: Json) -> str:
    rows = "".join(f"<tr><td>{html.escape(k)}</td><td>{v}</td></tr>" for k, v in found.items())
    return f"<table>{rows}</table>"


def _worlds_plot(found: Json) -> Figure:
    figure, axes = plt.subplots(figsize=(9, 0.6 + 0.55 * len(found)))
    policies = list(next(iter(found.values()))["policies"])
    for place, policy in enumerate(policies):
        means = [r["policies"][policy]["ttr_percent"]["mean"] for r in found.values()]
        where = [at + 0.1 * (place - len(policies) / 2) for at in range(len(found))]
        axes.plot(means, where, "o", label=policy)
    axes.set_yticks(range(len(found)), list(found))
    axes.set_xlabel("time in target, % of days")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _sweep_plot(found: Json) -> Figure:
    figure, axes = plt.subplots(figsize=(6, 3))
    names = [name for name in found if name != "filter"]
    axes.plot(names, [found[name] for name in names], "o-", label="trained")
    axes.axhline(found["filter"], linestyle="--", label="untrained filter")
    axes.set_xlabel("ε")
    axes.set_ylabel("RMSE, mmHg")
    axes.legend()
    return figure
