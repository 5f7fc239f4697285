"""Pieces that the pages of the evaluation share."""

import base64
import html
import io
from collections.abc import Sequence

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure


def picture(figure: Figure, text: str) -> str:
    """Return the plot as an image inside the page, with its text for who cannot see it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(text)}" src="data:image/png;base64,{data}">'


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; every cell is escaped."""
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"


def with_bounds(figure: dict[str, float]) -> str:
    """Return a mean with its 95 % interval."""
    return f"{figure['mean']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"
