"""What the visitor sees: progress while it runs, a table of what happened, where to look."""

import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from demo.desk import Login
from services.settings import Settings

_BAR: Final = 24
_NAME: Final = 22
_WIDTH: Final = 104


class Progress:
    """One line a step, drawn over itself on a terminal."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._began = time.monotonic()
        self._step = ""
        self._done = 0
        self._of = 0

    def step(self, words: str, of: int = 1) -> None:
        """Begin a step of `of` parts."""
        self._finish_line()
        self._step, self._done, self._of = words, 0, of
        self._draw()

    def part(self) -> None:
        """One more part of this step is done."""
        self._done += 1
        self._draw()

    def end(self) -> None:
        """The last step is done."""
        self._finish_line()

    def _draw(self) -> None:
        if self._out.isatty():
            self._out.write("\r" + self._line())
            self._out.flush()

    def _finish_line(self) -> None:
        if self._step:
            self._out.write(("\r" if self._out.isatty() else "") + self._line() + "\n")
            self._out.flush()
        self._step = ""

    def _line(self) -> str:
        filled = _BAR * self._done // max(self._of, 1)
        bar = "█" * filled + "·" * (_BAR - filled)
        elapsed = time.monotonic() - self._began
        return f"{elapsed:6.1f} s  {bar} {self._done:>3}/{self._of:<3} {self._step}"


@dataclass(frozen=True, slots=True)
class Line:
    """One patient of the final table."""

    name: str
    story: str
    happened: str


def table(lines: Sequence[Line]) -> str:
    """Return the table of what happened and why."""
    rows = [f"{'Simulated patient':<{_NAME}} What happened, and why", "─" * _WIDTH]
    for line in lines:
        text = f"[{line.story}] {line.happened}"
        parts = textwrap.wrap(text, _WIDTH - _NAME - 1) or [""]
        rows.append(f"{line.name[:_NAME]:<{_NAME}} {parts[0]}")
        rows.extend(" " * (_NAME + 1) + part for part in parts[1:])
    return "\n".join(rows)


def figures(found: Mapping[str, object]) -> str:
    """Return the summary's figures in words."""
    reviews, audit = found["reviews"], found["audit"]
    assert isinstance(reviews, dict) and isinstance(audit, dict)
    held = found["holds"]
    assert isinstance(held, dict)
    verified = "verified offline" if audit["verified"] else "NOT VERIFIED"
    rows = (
        ("patients", found["patients"]),
        ("readings · windows", f"{found['readings']} · {found['windows']}"),
        ("proposals", found["proposals"]),
        ("advised · enacted", f"{found['advised']} · {found['enacted']}"),
        ("reviews", ", ".join(f"{n} {kind}" for kind, n in reviews.items())),
        ("alarms", found["alarms"]),
        ("held, by reason", ", ".join(f"{kind} {n}" for kind, n in held.items()) or "none"),
        ("audit log", f"{audit['leaves']} leaves, {verified}"),
        ("seconds", found["seconds"]),
    )
    return "\n".join(f"{name:<{_NAME}} {value}" for name, value in rows)


def addresses(settings: Settings, lead: Login) -> str:
    """Return where to look and how to sign in."""
    dashboard = f"http://127.0.0.1:{settings.dashboard_port}"
    return "\n".join(
        (
            f"Dashboard    {dashboard}   sign in as {lead.username} / {lead.password}",
            f"Patient app  {settings.gateway_url}/app/",
            f"Gateway      {settings.gateway_url}   Clinician API {settings.clinician_api_url}",
            "Everything here is simulated. Stop with `make down`.",
        )
    )
