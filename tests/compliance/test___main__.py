"""The commands as a person runs them: what they say, their exit status, what they leave behind."""

import asyncio
import os
import subprocess
import sys
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from compliance.__main__ import main
from models import cohort, decisions
from models.predict import FilterPredictor
from services.clinical.patient import ConsentPurpose
from services.clinical.proposal import Predictor
from services.clinical.titration import Titrator
from services.ids import new_id
from services.keyring import make_missing_secrets
from services.settings import Settings
from services.store import Acting, Role, Store, assessments, consents, documents, events, readings
from services.store.entries import AssessmentDocument
from services.store.loop_records import LoopRecords
from tests.models import models_made
from tests.services.store.people import (
    NAME,
    NOW,
    Person,
    acting_as,
    enrol_treated,
    week_of_readings,
)
from tests.services.store.test_loop_records import decide
from tests.stack import EmbeddedPostgres

T = TypeVar("T")
LATER = NOW + timedelta(days=40)
# Of tests/services/store/people.py: name, record number, year of birth, year of care, free text.
IDENTIFIERS = (NAME, "Quillfeather", "QF-77123", "1966", "2026", "looks right")

Ran = tuple[int, str, str]
Run = Callable[..., Ran]


def environment(settings: Settings) -> dict[str, str]:
    return {
        "CLINAIOPS_HOME": str(settings.home),
        "CLINAIOPS_POSTGRES_PORT": str(settings.postgres_port),
        "CLINAIOPS_DATABASE_NAME": settings.database_name,
    }


@pytest.fixture
def run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command in this process; its exit status, what it said, and what it complained of."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)

    def command(*arguments: object) -> Ran:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return command


def on_record(settings: Settings, act: Callable[[Store, Store], Awaitable[T]]) -> T:
    """Let a clinician's and a worker's store do something."""

    async def acted() -> T:
        store, worker = [await Store.open(settings, r) for r in (Role.CLINICIAN, Role.WORKER)]
        try:
            return await act(store, worker)
        finally:
            await store.close()
            await worker.close()

    return asyncio.run(acted())


async def consenting(store: Store, worker: Store, *, agrees: bool = True) -> Person:
    """Assessed, decided by the clinician, and measured for a week four weeks on."""
    person = await enrol_treated(store, stage=None)
    outcome = await LoopRecords(worker).assess(
        person.patient_id, key=new_id(), predictor=Titrator(), now=NOW
    )
    assert outcome.review_id is not None
    await decide(store, person, outcome.review_id, "reject")
    async with acting_as(store, person) as tx:
        week = week_of_readings(141, NOW + timedelta(days=28))
        await readings.record(tx, person.patient_id, week, now=LATER)
        if agrees:
            await consents.grant(tx, person.patient_id, ConsentPurpose.RESEARCH, now=LATER)
    return person


def decided(settings: Settings, *predictors: Predictor) -> tuple[Person, list[str]]:
    """Return a patient with one recorded decision of each ranker, and the decisions' ids."""

    async def act(store: Store, worker: Store) -> tuple[Person, list[str]]:
        person, records = await enrol_treated(store), LoopRecords(worker)
        outcomes = [
            await records.assess(
                person.patient_id, key=new_id(), predictor=p, now=NOW + timedelta(hours=n)
            )
            for n, p in enumerate(predictors)
        ]
        return person, [outcome.assessment_id for outcome in outcomes]

    return on_record(settings, act)


def altered(
    settings: Settings,
    postgres: EmbeddedPostgres,
    found: tuple[Person, str],
    change: Callable[[AssessmentDocument], AssessmentDocument],
) -> None:
    """Seal another document in the place of a recorded one, as disk and keys together would let."""
    person, assessment_id = found

    async def resealed(_: Store, worker: Store) -> bytes:
        async with worker.transaction(Acting("worker", "forger", person.patient_id)) as tx:
            document = change(await assessments.document(tx, assessment_id))
            body = zlib.compress(documents.dump(AssessmentDocument, document))
            return tx.vault.seal(
                "assessments", "body_sealed", assessment_id, body, person.patient_id
            )

    sealed = on_record(settings, resealed)
    postgres.sql_in(
        settings.database_name,
        "SET session_replication_role = replica;"
        rf" UPDATE assessments SET body_sealed = '\x{sealed.hex()}'"
        f" WHERE assessment_id = '{assessment_id}'",
    )


def surer(document: AssessmentDocument) -> AssessmentDocument:
    made = document.assessment
    ranking = replace(made.ranking, certainty_percent=made.ranking.certainty_percent - 1)
    return replace(document, assessment=replace(made, ranking=ranking))


def refused(ran: Ran) -> str:
    """Return the one line with which a command refused."""
    status, said, complaint = ran
    assert (status, said) == (1, "")
    [line] = complaint.splitlines()
    return line


def disclosures(settings: Settings, person: Person) -> int:
    async def act(store: Store, _: Store) -> int:
        async with acting_as(store, person) as tx:
            timeline = await events.timeline(tx, person.patient_id)
        return [entry.action for entry in timeline].count("data.exported")

    return on_record(settings, act)


def test_recorded_decisions_of_titrator_and_filter_are_said_to_come_out_the_same(
    settings: Settings,
) -> None:
    person, _ = decided(settings, Titrator(), FilterPredictor())
    done = subprocess.run(
        [sys.executable, "-m", "compliance", "replay", "--patient", person.patient_id],
        env={**os.environ, **environment(settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "2 of 2 decisions come out as recorded",
        "made on this lock or not: 2 same, 0 another, 0 unknown",
    ]


def test_an_altered_decision_is_refused_by_the_name_of_its_field_and_no_other_is(
    settings: Settings, postgres: EmbeddedPostgres, run: Run
) -> None:
    person, [titrated, filtered] = decided(settings, Titrator(), FilterPredictor())
    altered(settings, postgres, (person, filtered), surer)
    status, said, complaint = run("replay", "--patient", person.patient_id)
    assert (status, said.splitlines()[0]) == (1, "1 of 2 decisions come out as recorded")
    [line] = complaint.splitlines()
    fields = "document_sha256, assessment.ranking.certainty_percent"
    assert line == f"{filtered}: not as recorded: {fields}"
    status, *_ = run("replay", "--patient", person.patient_id, "--assessment", titrated)
    assert status == 0


@pytest.mark.parametrize(
    ("lock", "said"), [("d" * 64, "made on another lock (dddd"), (None, "made on an unknown lock")]
)
def test_where_the_lock_is_not_this_one_it_is_said_before_the_fields(
    settings: Settings, postgres: EmbeddedPostgres, run: Run, lock: str | None, said: str
) -> None:
    person, [made] = decided(settings, FilterPredictor())
    altered(settings, postgres, (person, made), lambda d: replace(surer(d), lock_sha256=lock))
    status, out, complaint = run("replay", "--patient", person.patient_id)
    assert status == 1 and "0 same" in out
    assert complaint.index(said) < complaint.index("assessment.ranking.certainty_percent")


def test_the_trained_model_s_decision_needs_its_own_weights_under_its_own_key(
    settings: Settings, run: Run, tmp_path: Path
) -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    weights = tmp_path / "weights"
    held = models_made.made(weights, key)
    person, _ = decided(settings, models_made.predictor(held))
    for name, one in (("its", key), ("another", other)):
        public = one.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / f"{name}.pub").write_bytes(public)

    def replayed(folder: Path, public: str) -> Ran:
        given = ("--weights", folder, "--public-key", tmp_path / public)
        return run("replay", "--patient", person.patient_id, *given)

    status, said, complaint = replayed(weights, "its.pub")
    assert (status, complaint) == (0, "") and said.startswith("1 of 1")
    assert "not signed by this key" in refused(replayed(weights, "another.pub"))
    assert "is no public key" in refused(replayed(weights, "none.pub"))
    assert "missing" in refused(replayed(tmp_path / "nowhere", "its.pub"))
    assert "give its --weights" in refused(run("replay", "--patient", person.patient_id))


def test_an_assessment_or_a_patient_that_is_not_there_is_said_so(
    settings: Settings, run: Run
) -> None:
    (person, _), (_, [theirs]) = [decided(settings, Titrator()) for _ in range(2)]
    asked = ("replay", "--patient", person.patient_id, "--assessment")
    assert "no assessment nothing" in refused(run(*asked, "nothing"))
    assert f"no assessment {theirs} of this patient" in refused(run(*asked, theirs))
    assert "nobody" in refused(run("replay", "--patient", "nobody"))


@pytest.mark.parametrize("kind", ["cohort", "decisions"])
def test_a_research_file_holds_who_agrees_and_nobody_s_identifiers(
    settings: Settings, run: Run, tmp_path: Path, kind: str
) -> None:
    agrees = on_record(settings, consenting)
    keeps_out = on_record(settings, partial(consenting, agrees=False))
    out = tmp_path / "research.jsonl"
    status, said, complaint = run(kind, "--out", out, "--requester", "officer")
    assert (status, complaint) == (0, "")
    assert said == f"1 patients who agree to research in {out}\n"
    text = out.read_text()
    known = (agrees.patient_id, agrees.clinician_id, keeps_out.patient_id, "officer")
    assert [held for held in (*known, *IDENTIFIERS) if held in text] == []
    if kind == "cohort":
        assert cohort.read(out, at_least=1).patients == 1
    else:
        assert decisions.read(out).accepted.tolist() == [False]
    assert [disclosures(settings, person) for person in (agrees, keeps_out)] == [1, 0]


def test_a_refused_research_file_leaves_nothing_behind_and_discloses_nothing(
    settings: Settings, run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    assert "nobody who agrees" in refused(run("cohort", "--out", folder / "a"))
    person = on_record(settings, consenting)
    assert "no folder" in refused(run("cohort", "--out", tmp_path / "typo" / "a"))
    (folder / "mine").write_text("x")
    assert "choose another name" in refused(run("decisions", "--out", folder / "mine"))
    assert [path.name for path in folder.iterdir()] == ["mine"]
    assert not (tmp_path / "typo").exists()
    assert disclosures(settings, person) == 0


def test_with_another_clinic_s_keys_or_none_nothing_is_written(
    settings: Settings, run: Run, tmp_path: Path
) -> None:
    person = on_record(settings, consenting)
    other = tmp_path / "other"
    make_missing_secrets(other)
    kek = settings.home / "secrets" / "kek.json"
    kek.write_bytes((other / "secrets" / "kek.json").read_bytes())
    assert refused(run("cohort", "--out", tmp_path / "a"))
    assert refused(run("replay", "--patient", person.patient_id))
    kek.unlink()
    assert "kek.json" in refused(run("cohort", "--out", tmp_path / "a"))
    assert sorted(tmp_path.iterdir()) == sorted([settings.home, other])
