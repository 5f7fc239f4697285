"""`python -m demo --patients 24 [--exit]`: plays a clinic against the running stack, over HTTP."""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final, TypeVar

import httpx

from demo import play, talk
from demo.audit_run import Audited, audit
from demo.backfill import Patient, admit, confirm, refuse_the_deceased, send_history
from demo.desk import Desk, NoLogin, login_of, open_desk
from demo.history import local_zone
from demo.outcome import read_log, summary, tree_size
from demo.personas import PERSONAS, Persona, cast
from demo.settle import LastWord, happened, last_words, look
from demo.show import Line, Progress, addresses, figures, table
from demo.wire import Json, NotThere, Refused
from services import clock
from services.settings import Settings, SettingsError, load

# Two cores are shared with the stack itself: more at once would only queue.
AT_ONCE: Final = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stage:
    """The doors, the clinician and the moment of one run."""

    http: httpx.AsyncClient
    settings: Settings
    desk: Desk
    zone: timezone
    began: datetime
    progress: Progress


def main(arguments: Sequence[str]) -> int:
    """Run the demo; return 0, or 1 with a message that says what to do."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--patients", type=int, default=24, help=f"1 to {len(PERSONAS)}")
    parser.add_argument("--exit", action="store_true", help="stop the stack at the end")
    options = parser.parse_args(arguments)
    try:
        settings = load()
        people = cast(options.patients)
        found = asyncio.run(_run(settings, people))
    except (SettingsError, NoLogin, NotThere, Refused, ValueError) as err:
        print(f"the demo stopped: {err}", file=sys.stderr)
        return 1
    if options.exit:
        subprocess.run([sys.executable, "-m", "deploy", "down"], check=True)
    else:
        print("\n" + addresses(settings, login_of(settings.home, "lead")))
    return 0 if found["audit"]["verified"] else 1


async def _run(settings: Settings, people: Sequence[Persona]) -> Json:
    limits = httpx.Limits(max_connections=2 * AT_ONCE + 8)
    async with httpx.AsyncClient(limits=limits, trust_env=False, timeout=60.0) as http:
        desk = await open_desk(http, settings)
        began = clock.now()
        stage = Stage(http, settings, desk, local_zone(began), began, Progress())
        patients, refusal = await _backfill(stage, people)
        await _play(stage, patients)
        words = await _settle(stage, patients)
        return await _report(stage, patients, words, refusal)


async def _backfill(stage: Stage, people: Sequence[Persona]) -> tuple[list[Patient], str]:
    progress, desk = stage.progress, stage.desk
    gateway_url = stage.settings.gateway_url
    progress.step("import FHIR records, enrol phones, ask for consent", len(people) + 1)
    refusal = await refuse_the_deceased(desk)
    progress.part()
    patients = await _each(
        progress,
        (admit(stage.http, desk, p, gateway_url=gateway_url, zone=stage.zone) for p in people),
    )
    now = clock.now()
    progress.step("send sixty days of readings and doses", len(patients))
    await _each(progress, (send_history(p, now=now, zone=stage.zone) for p in patients))
    progress.step("reconcile the records, bring labs, sign the plans", len(patients))
    await _each(progress, (confirm(desk, p, now=now) for p in patients))
    await desk.stay_signed_in()
    return patients, refusal


async def _play(stage: Stage, patients: list[Patient]) -> None:
    progress, desk = stage.progress, stage.desk
    phones = [play.measure(p, n, zone=stage.zone) for n, p in enumerate(patients)]
    answers = [play.answer_advice(p) for p in patients if p.persona.story in play.ADVISED]
    desk_work = [
        play.decide_reviews(desk, patients),
        play.take_alarms(desk, patients),
        talk.agree_goals(desk, patients),
        talk.answer_question(desk, patients),
    ]
    work: list[Awaitable[None]] = [*phones, *answers, *desk_work]
    progress.step("phones measure, watches send, the desk decides", len(work))
    await asyncio.gather(*(_counted(progress, one) for one in work))


async def _settle(stage: Stage, patients: list[Patient]) -> dict[str, LastWord]:
    stage.progress.step("wait until every patient's loop has judged the last reading")
    words = await last_words(stage.desk, patients, since=stage.began)
    stage.progress.part()
    return words


async def _report(
    stage: Stage,
    patients: list[Patient],
    words: dict[str, LastWord],
    refusal: str,
) -> Json:
    seen = await look(stage.desk, patients)
    stage.progress.step("export the audit log and verify it offline")
    audited = await asyncio.to_thread(audit, stage.settings.home)
    stage.progress.part()
    stage.progress.end()
    found = _summary(stage, patients, audited, len(seen.waiting))
    _write(stage.settings, found)
    lines = [happened(p, seen, words.get(p.patient_id)) for p in patients]
    lines.append(Line("(deceased)", "import", f"refused: {refusal}"))
    print(f"\n{table(lines)}\n\n{figures(found)}")
    if not audited.verified:
        print(f"\nthe audit did not verify: {audited.said}", file=sys.stderr)
    return found


def _summary(stage: Stage, patients: list[Patient], audited: Audited, waiting: int) -> Json:
    exported = (audited.bundle / "manifest.json").exists()
    return summary(
        patients,
        read_log(audited.bundle, since=stage.began) if exported else (),
        waiting=waiting,
        leaves=tree_size(audited.bundle) if exported else 0,
        verified=audited.verified,
        seconds=round((clock.now() - stage.began).total_seconds()),
    )


def _write(settings: Settings, found: Json) -> None:
    folder = settings.home / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=2) + "\n"
    (folder / "summary.json").write_text(text, encoding="utf-8")


async def _each(progress: Progress, work: Iterable[Awaitable[T]]) -> list[T]:
    """Run all, a few at once, in order of their results."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(job: Awaitable[T]) -> T:
        async with gate:
            return await _counted(progress, job)

    return list(await asyncio.gather(*(one(job) for job in work)))


async def _counted(progress: Progress, job: Awaitable[T]) -> T:
    result = await job
    progress.part()
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
