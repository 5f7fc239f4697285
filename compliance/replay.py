"""Replay: a recorded decision made again from what it saw must come out the same, field by field.

The ranker is injected: this folder knows no model. What the log says of the stored document is
checked first, so that a document that was altered as a whole is refused as well. The promise of the
same ranking is for the same lock; on another one, or where none is on record, that is said.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Final, Literal

from services import installed
from services.clinical.assessment import assess
from services.clinical.proposal import Predictor
from services.store import assessments, documents, events
from services.store.entries import AssessmentDocument
from services.store.errors import NotInRecord
from services.store.transaction import Transaction

DOCUMENT: Final = "document_sha256"
Lock = Literal["same", "another", "unknown"]
LOCKS: Final[tuple[Lock, ...]] = ("same", "another", "unknown")
Rankers = Callable[[str, str], Predictor]
"""From model id and version to the ranker that made the ranking; raises NoRanker."""


class NoRanker(LookupError):
    """The ranker of this model and version is not at hand: name its weights."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The fields that are not as recorded, by their path; none: it came out the same."""

    assessment_id: str
    differing: tuple[str, ...]
    made_on: str | None
    """The lock that it was made on, 64 hex digits; None: not on record."""
    again_on: str | None

    @property
    def lock(self) -> Lock:
        """Whether it was made again on the lock that it was made on."""
        if self.made_on is None or self.again_on is None:
            return "unknown"
        return "same" if self.made_on == self.again_on else "another"


async def replay(
    tx: Transaction, patient_id: str, assessment_id: str, rankers: Rankers
) -> Replayed:
    """Make one recorded assessment again and compare.

    Raises:
        NotInRecord: the patient has no such assessment. NoRanker: its model is not at hand.
    """
    body = await assessments.body(tx, assessment_id)
    document = documents.load(AssessmentDocument, body)
    if document.snapshot.patient_id != patient_id:
        raise NotInRecord(f"no assessment {assessment_id} of this patient")
    logged = [
        entry.payload[DOCUMENT]
        for entry in await events.timeline(tx, patient_id, limit=100_000, payloads=True)
        if entry.payload is not None and entry.subject_id == f"{assessment_id}-guidance@1"
    ]
    differing = () if logged == [documents.sha256(body)] else (DOCUMENT,)
    found = (*differing, *differences(document, rankers))
    return Replayed(assessment_id, found, document.lock_sha256, installed.lock_sha256())


def differences(document: AssessmentDocument, rankers: Rankers) -> tuple[str, ...]:
    """Return the paths of the fields of an assessment that come out otherwise when made again."""
    recorded = document.assessment
    ranking = recorded.ranking
    made = assess(
        document.snapshot,
        document.envelope,
        rankers(ranking.model_id, ranking.model_version),
        recorded.proposal.made_at,
        document.assessment_id,
    )
    return tuple(_differing(recorded, made, "assessment"))


def _differing(one: object, other: object, path: str) -> Iterator[str]:
    if type(one) is not type(other):
        yield path
    elif is_dataclass(one):
        for field in fields(one):
            name = field.name
            yield from _differing(getattr(one, name), getattr(other, name), f"{path}.{name}")
    elif isinstance(one, tuple) and isinstance(other, tuple):
        if len(one) != len(other):
            yield path
        for place, pair in enumerate(zip(one, other, strict=False)):
            yield from _differing(*pair, f"{path}[{place}]")
    elif one != other:
        yield path
