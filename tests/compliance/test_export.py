import asyncio
import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compliance import keys
from compliance.bundle import CannotExport, policy_text
from compliance.export import NotSealed, Request, export
from compliance.verify import verify_bundle
from services.audit.actions import Action
from services.clock import now
from services.settings import Settings
from services.store import Role
from tests.compliance.running_log import note_events, sealing, witness_of
from tests.stack import EmbeddedPostgres, StoreFactory

ASKED = Request(requester="officer", reason="yearly audit")


def policy(settings: Settings) -> bytes:
    return policy_text(keys.log_key(settings), keys.witness_key(settings)).encode()


async def test_an_export_verifies_offline_and_holds_its_own_disclosure(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path
) -> None:
    await note_events(await store_factory(Role.WORKER), 7)
    async with sealing(settings, witness_of(settings)):
        written = await export(settings, ASKED, tmp_path / "out", clock=now)
    report = verify_bundle(written.directory, policy=policy(settings))
    assert report.problem is None
    assert report.claim == "complete"
    rows = list(csv.DictReader((written.directory / "events.csv").open()))
    assert len(rows) == written.events == 8
    assert rows[-1]["action"] == "audit.exported"
    lines = (written.directory / "AuditEvent.ndjson").read_text().splitlines()
    assert {json.loads(line)["resourceType"] for line in lines} == {"AuditEvent"}


async def test_a_selection_says_that_it_is_one(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path
) -> None:
    await note_events(await store_factory(Role.WORKER), 3)
    asked = Request("officer", "one kind", actions=(Action.AUDIT_EXPORTED,))
    async with sealing(settings, witness_of(settings)):
        written = await export(settings, asked, tmp_path / "out", clock=now)
    report = verify_bundle(written.directory, policy=policy(settings))
    assert (report.problem, report.claim, written.events) == (None, "selection", 1)


async def test_the_same_size_and_filter_give_the_same_bytes(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path
) -> None:
    await note_events(await store_factory(Role.WORKER), 4)
    async with sealing(settings, witness_of(settings)):
        first = await export(settings, ASKED, tmp_path / "a", clock=now)
        again = Request("officer", "yearly audit", at_size=first.tree_size)
        second = await export(settings, again, tmp_path / "b", clock=now)
    names = {path.name for path in first.directory.iterdir()}
    assert names == {path.name for path in second.directory.iterdir()}
    for name in names:
        assert (first.directory / name).read_bytes() == (second.directory / name).read_bytes()


async def test_a_folder_that_holds_something_is_left_alone(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    with pytest.raises(FileExistsError, match="another folder"):
        await export(settings, ASKED, tmp_path / "out", clock=now)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


async def test_a_size_that_no_witness_saw_is_refused_and_nothing_is_left(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path
) -> None:
    await note_events(await store_factory(Role.WORKER), 2)
    asked = Request("officer", "too early", at_size=1)
    with pytest.raises(NotSealed, match="1 leaves"):
        await export(settings, asked, tmp_path / "out", clock=now)
    assert not (tmp_path / "out").exists()


async def test_a_log_changed_behind_the_witness_is_not_handed_over(
    settings: Settings, store_factory: StoreFactory, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    await note_events(await store_factory(Role.WORKER), 5)
    async with sealing(settings, witness_of(settings)):
        first = await export(settings, ASKED, tmp_path / "before", clock=now)
    postgres.sql_in(
        settings.database_name,
        "SET session_replication_role = replica;"
        " UPDATE events SET leaf = replace(convert_from(leaf, 'UTF8'), 'started', 'stopped')::bytea"
        " WHERE event_id = (SELECT event_id FROM leaves WHERE leaf_index = 2)",
    )
    asked = Request("officer", "after", at_size=first.tree_size)
    with pytest.raises(CannotExport):
        await export(settings, asked, tmp_path / "after", clock=now)
    assert not (tmp_path / "after").exists()


async def test_two_exports_at_once_do_not_disturb_each_other(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path
) -> None:
    await note_events(await store_factory(Role.WORKER), 3)
    async with sealing(settings, witness_of(settings)):
        both = await asyncio.gather(
            *(export(settings, ASKED, tmp_path / name, clock=now) for name in ("a", "b"))
        )
    for written in both:
        assert verify_bundle(written.directory, policy=policy(settings)).problem is None


async def test_a_time_range_shows_only_its_events(
    settings: Settings, store_factory: StoreFactory, tmp_path: Path
) -> None:
    await note_events(await store_factory(Role.WORKER), 3)
    asked = Request("officer", "before", occurred_before=datetime(2020, 1, 1, tzinfo=UTC))
    async with sealing(settings, witness_of(settings)):
        written = await export(settings, asked, tmp_path / "out", clock=now)
    assert written.events == 0
    assert verify_bundle(written.directory, policy=policy(settings)).problem is None
