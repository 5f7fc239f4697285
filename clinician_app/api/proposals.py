"""What is proposed and what else could be done: moves, expectations and the guard's words. Pure."""

from collections.abc import Iterable
from datetime import datetime

from clinician_app.api.bodies import CheckOut, MoveOut, ProposalOut
from clinician_app.words import certainty_word, describe_move, mmhg_change
from services.clinical import guard
from services.clinical.envelope import Envelope
from services.clinical.moves import KEEP, Move, Path, legal_moves
from services.clinical.patient import Snapshot
from services.clinical.proposal import Override, Proposal, RankedMove, Ranking
from services.clinical.verdict import Finding, FindingKind, Strength


def ranked_move(ranking: Ranking | None, move: Move) -> RankedMove | None:
    """Return what the ranker said of a move; None when it said nothing."""
    if ranking is None:
        return None
    return next((ranked for ranked in ranking.moves if ranked.move == move), None)


def expected_words(ranked: RankedMove | None) -> str | None:
    """Return the expected change with its 80 % interval in words."""
    if ranked is None:
        return None
    low, high = ranked.expected_low_tenths, ranked.expected_high_tenths
    return (
        f"Expected systolic change {mmhg_change(ranked.expected_systolic_change_tenths)} mmHg "
        f"(80 % interval {mmhg_change(low)} to {mmhg_change(high)})"
    )


def proposal_out(proposal: Proposal) -> ProposalOut | None:
    """Return the proposal as shown; None when nothing but KEEP was proposed."""
    if proposal.move == KEEP:
        return None
    ranking = proposal.ranking
    percent = None if ranking is None else ranking.certainty_percent
    model = (
        "no ranking"
        if ranking is None
        else (f"{ranking.model_id} {ranking.model_version} · features {ranking.feature_version}")
    )
    return ProposalOut(
        move_id=proposal.move.move_id,
        words=describe_move(proposal.move),
        expected=expected_words(ranked_move(ranking, proposal.move)),
        certainty_percent=percent,
        certainty=certainty_word(percent),
        model=model,
        abstained=None if ranking is None else ranking.abstained,
    )


def clinician_findings(
    move: Move,
    snapshot: Snapshot,
    envelope: Envelope | None,
    *,
    now: datetime,
    overrides: tuple[Override, ...] = (),
) -> tuple[Finding, ...]:
    """Return what the guard says of a move that a clinician would sign now."""
    proposal = Proposal(
        proposal_id="shown",
        patient_id=snapshot.patient_id,
        move=move,
        path=Path.CLINICIAN,
        ranking=None,
        snapshot_as_of=snapshot.as_of,
        made_at=now,
        overrides=overrides,
        decided_by_clinician=True,
    )
    return guard.judge(proposal, snapshot, envelope, now).findings


def checks_out(findings: Iterable[Finding]) -> list[CheckOut]:
    """Return the rules that spoke, in words; autonomy rules bind the patient alone, not here."""
    return [
        CheckOut(
            rule_id=finding.rule_id,
            words=_words(finding),
            kind=finding.kind.value,
            strength=finding.strength.value,
            may_override=finding.strength is Strength.CLINICIAN,
        )
        for finding in findings
        if finding.strength is not Strength.AUTONOMY and not finding.overridden
    ]


def options(
    proposed: Move,
    ranking: Ranking | None,
    snapshot: Snapshot,
    envelope: Envelope | None,
    *,
    now: datetime,
) -> list[MoveOut]:
    """Return the other legal moves that no hard rule forbids, the ranker's best first."""
    moves = [
        move
        for move in legal_moves(snapshot, path=Path.CLINICIAN, now=now, envelope=envelope)
        if move not in (KEEP, proposed)
    ]
    shown = [
        _option(move, ranking, snapshot, envelope, now=now) for move in _ranked(moves, ranking)
    ]
    return [option for option in shown if not any(c.strength == "hard" for c in option.checks)]


def _ranked(moves: list[Move], ranking: Ranking | None) -> list[Move]:
    place = {} if ranking is None else {r.move: i for i, r in enumerate(ranking.moves)}
    return sorted(moves, key=lambda move: (place.get(move, len(place)), move.move_id))


def _option(
    move: Move,
    ranking: Ranking | None,
    snapshot: Snapshot,
    envelope: Envelope | None,
    *,
    now: datetime,
) -> MoveOut:
    ranked = ranked_move(ranking, move)
    return MoveOut(
        move_id=move.move_id,
        words=describe_move(move),
        expected=expected_words(ranked),
        in_target_percent=None if ranked is None else ranked.in_target_percent,
        low_pressure_percent=None if ranked is None else ranked.low_pressure_percent,
        checks=checks_out(clinician_findings(move, snapshot, envelope, now=now)),
    )


def _words(finding: Finding) -> str:
    sentence = guard.describe(finding.rule_id)
    if finding.kind is FindingKind.NEEDS_DATA and finding.missing:
        return f"{sentence} ({', '.join(finding.missing)})".replace("_", " ")
    return sentence
