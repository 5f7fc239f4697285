"""One code of one system with its printed name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coding:
    """A code, never free text: `display` is the system's own wording."""

    system: str
    code: str
    display: str
