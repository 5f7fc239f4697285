"""Verdict: what the guard says, in five kinds, with every finding and the binding one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Strength(StrEnum):
    """Whom a rule binds."""

    HARD = "hard"
    CLINICIAN = "clinician"
    AUTONOMY = "autonomy"


class FindingKind(StrEnum):
    """What a finding does to the verdict."""

    NEEDS_DATA = "needs_data"
    HOLD = "hold"
    REFUSE = "refuse"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that spoke. `rule_id` is a `Reason`; `overridden` when a clinician passed it."""

    rule_id: str
    kind: FindingKind
    strength: Strength
    missing: tuple[str, ...] = ()
    """For needs_data: the inputs, such as "potassium" or "readings"."""
    overridden: bool = False


@dataclass(frozen=True, slots=True)
class NeedsData:
    """Nothing may be increased until the named inputs are there."""

    findings: tuple[Finding, ...]
    binding: Finding
    missing: tuple[str, ...]
    kind: Literal["needs_data"] = "needs_data"


@dataclass(frozen=True, slots=True)
class Hold:
    """No change now."""

    findings: tuple[Finding, ...]
    binding: Finding
    kind: Literal["hold"] = "hold"


@dataclass(frozen=True, slots=True)
class Refuse:
    """A hard rule forbids it, or the input cannot be right."""

    findings: tuple[Finding, ...]
    binding: Finding
    kind: Literal["refuse"] = "refuse"


@dataclass(frozen=True, slots=True)
class Ask:
    """A clinician decides. `binding` is None when nothing speaks against the move itself."""

    findings: tuple[Finding, ...]
    binding: Finding | None
    kind: Literal["ask"] = "ask"


@dataclass(frozen=True, slots=True)
class Advise:
    """The one who asked may go on: the patient inside the envelope, or the signing clinician."""

    findings: tuple[Finding, ...]
    binding: None = None
    kind: Literal["advise"] = "advise"


Verdict = NeedsData | Hold | Refuse | Ask | Advise
