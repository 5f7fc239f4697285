"""The guard: the one choke point to a dose. Every step, from any door, is judged here.

The rules are the tables in `rules_*.py`, written over `logic.py`; this file compiles them once and
turns what they say into a verdict. It fails closed for increases, starts and additions; a
decrease, a pause or a stop is never refused for missing data.
"""

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from services.clinical.averaging import InsufficientAverage
from services.clinical.envelope import Envelope
from services.clinical.facts import (
    EnvelopeFacts,
    Facts,
    MoveFacts,
    PersonFacts,
    facts,
)
from services.clinical.history import History
from services.clinical.laboratory import Laboratory
from services.clinical.logic import compile_conditions
from services.clinical.patient import Snapshot
from services.clinical.proposal import Proposal
from services.clinical.rule import Rule
from services.clinical.rules_autonomy import AUTONOMY_RULES
from services.clinical.rules_drugs import DRUG_RULES
from services.clinical.rules_input import INPUT_RULES
from services.clinical.rules_labs import LAB_RULES
from services.clinical.rules_pressure import PRESSURE_RULES
from services.clinical.verdict import (
    Advise,
    Ask,
    Finding,
    FindingKind,
    Hold,
    NeedsData,
    Refuse,
    Strength,
    Verdict,
)

RULES: tuple[Rule, ...] = INPUT_RULES + DRUG_RULES + LAB_RULES + PRESSURE_RULES + AUTONOMY_RULES
REASONS: Mapping[str, Rule] = MappingProxyType({rule.rule_id: rule for rule in RULES})
KEEP_RULES: tuple[Rule, ...] = tuple(rule for rule in RULES if rule.explains_keep)

# Among findings the strictest kind binds; within a kind, hard before clinician before autonomy,
# then the order of the table. A hold comes before a need for data: whoever must wait anyway is
# not sent for a blood test first.
_STRICTEST_FIRST = (
    FindingKind.REFUSE,
    FindingKind.HOLD,
    FindingKind.NEEDS_DATA,
    FindingKind.ASK,
)
_KIND_RANK = {kind: rank for rank, kind in enumerate(_STRICTEST_FIRST)}
_STRENGTH_RANK = {
    strength: rank
    for rank, strength in enumerate((Strength.HARD, Strength.CLINICIAN, Strength.AUTONOMY))
}

_RECORDS = {
    "person": PersonFacts._fields,
    "history": History._fields,
    "laboratory": Laboratory._fields,
    "envelope": EnvelopeFacts._fields,
    "move": MoveFacts._fields,
}


def describe(rule_id: str) -> str:
    """Return the plain-English sentence of a rule.

    Raises:
        KeyError: no such rule.
    """
    return REASONS[rule_id].sentence


def judge(
    proposal: Proposal, snapshot: Snapshot, envelope: Envelope | None, now: datetime
) -> Verdict:
    """Return what may become of the proposal, with every finding and the binding one."""
    return judge_facts(facts(snapshot, proposal, envelope, now), proposal)


def judge_facts(read: Facts, proposal: Proposal) -> Verdict:
    """Return the verdict on facts already read."""
    findings = _keep_findings(read) if read.move.keep else _findings(read, proposal)
    binding = min(
        (finding for finding in findings if not finding.overridden), key=_rank, default=None
    )
    if binding is not None:
        return _blocked(findings, binding)
    if read.move.alone or read.move.decided:
        return Advise(findings)
    return Ask(findings, None)


def _findings(read: Facts, proposal: Proposal) -> tuple[Finding, ...]:
    """Return a finding for every rule that speaks against the move."""
    fired = _SPEAKS(*read)
    if not fired:
        return ()
    overrides = proposal.overrides if read.move.decided else ()
    passed = {override.rule_id for override in overrides}
    return tuple([_finding(_FINDINGS[place], read, passed) for place in fired])


def _finding(finding: Finding, read: Facts, passed: Set[str]) -> Finding:
    if finding.rule_id == "need_readings":
        finding = replace(finding, missing=_lacking(read))
    if finding.strength is Strength.CLINICIAN and finding.rule_id in passed:
        return replace(finding, overridden=True)
    return finding


def _keep_findings(read: Facts) -> tuple[Finding, ...]:
    fired = _EXPLAINS(*read)
    return tuple([_finding(_KEEP_FINDINGS[place], read, frozenset()) for place in fired])


def _lacking(read: Facts) -> tuple[str, ...]:
    """Name what the average lacks."""
    mean = read.history.average
    return mean.missing if isinstance(mean, InsufficientAverage) else ()


def _rank(finding: Finding) -> tuple[int, int]:
    return _KIND_RANK[finding.kind], _STRENGTH_RANK[finding.strength]


def _blocked(findings: tuple[Finding, ...], binding: Finding) -> Verdict:
    match binding.kind:
        case FindingKind.REFUSE:
            return Refuse(findings, binding)
        case FindingKind.HOLD:
            return Hold(findings, binding)
        case FindingKind.NEEDS_DATA:
            return NeedsData(findings, binding, _all_missing(findings))
        case FindingKind.ASK:
            return Ask(findings, binding)
        case _:  # pragma: no cover - the type checker proves it away
            assert_never(binding.kind)


def _all_missing(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for finding in findings for name in finding.missing))


def _as_keep(rule: Rule) -> Finding:
    """Return the finding of a rule on KEEP, where a refusal can only mean "no change now"."""
    kind = FindingKind.HOLD if rule.kind is FindingKind.REFUSE else rule.kind
    return Finding(rule.rule_id, kind, rule.strength, rule.missing)


_FINDINGS = tuple(Finding(r.rule_id, r.kind, r.strength, r.missing) for r in RULES)
_KEEP_FINDINGS = tuple(_as_keep(rule) for rule in KEEP_RULES)
_SPEAKS = compile_conditions(tuple(rule.condition for rule in RULES), _RECORDS)
_EXPLAINS = compile_conditions(tuple(rule.keep_condition for rule in KEEP_RULES), _RECORDS)
