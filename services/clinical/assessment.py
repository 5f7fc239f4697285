"""One assessment: from a snapshot to a proposal and its verdict, keeping all in between."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile

from services.clinical.alarm_types import Alarm
from services.clinical.alarms import scan
from services.clinical.averaging import Average
from services.clinical.envelope import Envelope, Stage
from services.clinical.facts import Facts, Person, read_move, read_person
from services.clinical.guard import judge_facts
from services.clinical.lines import proposable
from services.clinical.moves import KEEP, Move, MoveKind, Path, legal_moves
from services.clinical.patient import Snapshot, Target
from services.clinical.proposal import Predictor, PredictorUnavailable, Proposal, Ranking
from services.clinical.titration import Guideline, Titrator, guideline_target
from services.clinical.verdict import (
    Advise,
    Ask,
    Finding,
    FindingKind,
    Hold,
    NeedsData,
    Refuse,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A move that was ranked above the proposal, or beside it, and why it fell."""

    move: Move
    path: Path
    verdict: Verdict

    @property
    def binding(self) -> Finding | None:
        """The rule that stopped it."""
        return self.verdict.binding


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one run saw and said. `moves` and `ranking` are those of the proposal's path."""

    average: Average
    alarms: tuple[Alarm, ...]
    moves: tuple[Move, ...]
    ranking: Ranking
    proposal: Proposal
    verdict: Verdict
    rejected: tuple[Rejected, ...]


FALLBACK = "titrator after "
"""How the id of a ranking begins where the titrator stood in for a model."""

_STEPPING = (Stage.ONE_STEP, Stage.BOUNDED_STEPS)


def assess(
    snapshot: Snapshot,
    envelope: Envelope | None,
    predictor: Predictor,
    now: datetime,
    proposal_id: str,
) -> Assessment:
    """Return the best permitted proposal for a snapshot, or KEEP with the reason for no change.

    The patient's path is tried first where the envelope's stage permits it; else, and when no step
    of it can be advised, the clinician's path. Moves are judged in the order of the ranking and
    the first that is neither refused nor held is proposed.
    """
    run = _Run(snapshot, envelope, predictor, now, proposal_id)
    rejected: list[Rejected] = []
    if envelope is not None and envelope.stage in _STEPPING:
        taken = run.patient_path(rejected)
        if taken is not None:
            return taken
    return run.clinician_path(rejected)


def ranking_target(snapshot: Snapshot) -> Target:
    """Return the signed goal; without one moves are ordered by the guideline's, and held."""
    if snapshot.target is not None:
        return snapshot.target
    return guideline_target(Guideline.AHA, age=None, conditions=snapshot.conditions)


class _Run:
    """The facts of one assessment, read once."""

    def __init__(
        self,
        snapshot: Snapshot,
        envelope: Envelope | None,
        predictor: Predictor,
        now: datetime,
        proposal_id: str,
    ) -> None:
        self._snapshot = snapshot
        self._envelope = envelope
        self._predictor = predictor
        self._now = now
        self._proposal_id = proposal_id
        self._person: Person = read_person(snapshot, envelope, now)
        self._alarms = scan(snapshot, now)

    def patient_path(self, rejected: list[Rejected]) -> Assessment | None:
        """Return the best step that the patient may take alone, or None."""
        moves = self._moves(Path.PATIENT)
        ranking = self._rank(moves)
        if ranking.abstained is not None:
            return None  # a ranker that keeps out of it must not lead to a step without a clinician
        for move in _above_keep(ranking):
            proposal = self._proposal(move, Path.PATIENT, ranking)
            verdict = self._judge(proposal)
            if isinstance(verdict, Advise):
                return self._assessment(moves, ranking, proposal, verdict, rejected)
            rejected.append(Rejected(move, Path.PATIENT, verdict))
            if _awaits_labs(rejected[-1]):
                break
        return None

    def clinician_path(self, rejected: list[Rejected]) -> Assessment:
        """Return the best move that a clinician may be asked about, or KEEP and why."""
        moves = self._moves(Path.CLINICIAN)
        ranking = self._rank(moves)
        if ranking.abstained is not None:
            fallback = self._fallback(moves, f"{FALLBACK}abstention: {ranking.model_id}")
            ranking = replace(fallback, abstained=ranking.abstained)
        for move in _above_keep(ranking):
            proposal = self._proposal(move, Path.CLINICIAN, ranking)
            verdict = self._judge(proposal)
            if isinstance(verdict, Ask | Advise):
                return self._assessment(moves, ranking, proposal, verdict, rejected)
            rejected.append(Rejected(move, Path.CLINICIAN, verdict))
            if _awaits_labs(rejected[-1]):
                break
        proposal = self._proposal(KEEP, Path.CLINICIAN, ranking)
        verdict = _reason_to_keep(_refuse_input(self._judge(proposal)), rejected)
        return self._assessment(moves, ranking, proposal, verdict, rejected)

    def _moves(self, path: Path) -> tuple[Move, ...]:
        moves = legal_moves(self._snapshot, path=path, now=self._now, envelope=self._envelope)
        return proposable(self._snapshot, moves)

    def _rank(self, moves: tuple[Move, ...]) -> Ranking:
        target = ranking_target(self._snapshot)
        try:
            ranking = self._predictor.rank(self._snapshot, moves, target, self._now)
        except PredictorUnavailable as err:
            return self._fallback(moves, f"{FALLBACK}unavailable: {type(err).__name__}")
        ranked = [item.move for item in ranking.moves]
        if len(ranked) != len(moves) or set(ranked) != set(moves):
            # A ranking that adds or loses a move is a defect; it must not reach a dose.
            return self._fallback(moves, f"{FALLBACK}illegal ranking: {ranking.model_id}")
        return ranking

    def _fallback(self, moves: tuple[Move, ...], model_id: str) -> Ranking:
        ranking = Titrator().rank(self._snapshot, moves, ranking_target(self._snapshot), self._now)
        return replace(ranking, model_id=model_id)

    def _proposal(self, move: Move, path: Path, ranking: Ranking) -> Proposal:
        return Proposal(
            proposal_id=self._proposal_id,
            patient_id=self._snapshot.patient_id,
            move=move,
            path=path,
            ranking=ranking,
            snapshot_as_of=self._snapshot.as_of,
            made_at=self._now,
        )

    def _judge(self, proposal: Proposal) -> Verdict:
        move = read_move(self._snapshot, proposal, self._envelope, self._now)
        return judge_facts(Facts(*self._person, move), proposal)

    def _assessment(
        self,
        moves: tuple[Move, ...],
        ranking: Ranking,
        proposal: Proposal,
        verdict: Verdict,
        rejected: list[Rejected],
    ) -> Assessment:
        return Assessment(
            self._person.history.average,
            self._alarms,
            moves,
            ranking,
            proposal,
            verdict,
            tuple(rejected),
        )


def _above_keep(ranking: Ranking) -> Iterator[Move]:
    """Return the moves that rank above "no change", best first; none below it is proposed."""
    return takewhile(lambda move: move.kind is not MoveKind.KEEP, (i.move for i in ranking.moves))


# Input that cannot be right is refused by the assessment; KEEP alone would only be held.
_CANNOT_BE_RIGHT = ("deceased", "conflicting_regimen", "snapshot_inconsistent")


def _refuse_input(verdict: Verdict) -> Verdict:
    if isinstance(verdict, Hold) and verdict.binding.rule_id in _CANNOT_BE_RIGHT:
        binding = replace(verdict.binding, kind=FindingKind.REFUSE)
        findings = tuple(binding if f is verdict.binding else f for f in verdict.findings)
        return Refuse(findings, binding)
    return verdict


def _reason_to_keep(verdict: Verdict, rejected: list[Rejected]) -> Verdict:
    """Return the verdict on KEEP; when nothing general speaks, what stopped the best move does.

    So a missing potassium, which stops one class only, is named when nothing else was left. What
    lacks before paused drugs can be taken again is named above every hold: "in target" is no reason
    to leave them off.
    """
    if rejected and _awaits_labs(rejected[-1]) and not isinstance(verdict, Refuse):
        return rejected[-1].verdict
    if not isinstance(verdict, Ask) or not rejected:
        return verdict
    best = next((item for item in rejected if item.path is Path.CLINICIAN), None)
    return verdict if best is None else best.verdict


def _awaits_labs(item: Rejected) -> bool:
    """Say whether paused drugs wait for data: nothing is added in the place of what is missing."""
    return item.move.kind is MoveKind.RESUME and isinstance(item.verdict, NeedsData)
