"""The dashboard in a real browser: sign in, the work-list, a signed review, the right patient."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Page, expect

from models.predict import FilterPredictor
from services import clock
from services.clinical.alarms import Alarm, AlarmCause, Urgency
from services.settings import Settings
from services.store import Acting, Role, Store, alarms, envelopes, regimen, sealing
from tests.clinician_app import clinic
from tests.clinician_app.processes import Processes, dashboard, dashboard_with_loops
from tests.stack import StoreFactory

pytestmark = [pytest.mark.browser, pytest.mark.stack]

# The first character column of the canvas table: its rows are 35 px high below a header of 35 px.
HEADER_PX, ROW_PX = 36, 35


@pytest.fixture
async def people(store_factory: StoreFactory) -> AsyncIterator[tuple[Store, Store, str]]:
    """Stores to arrange with, and Dr Anna."""
    store, worker = await store_factory(Role.CLINICIAN), await store_factory(Role.WORKER)
    yield store, worker, await clinic.clinician(store, "anna")


async def sign_in(page: Page, processes: Processes) -> None:
    """Sign in through the form and wait for the work-list."""
    await page.goto(processes.dashboard_url)
    await expect(page).to_have_url(re.compile("/sign-in$"))
    await page.get_by_label("User name").fill("anna")
    await page.get_by_label("Password").fill(clinic.PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("h3", has_text="Work-list")).to_be_visible()


async def open_row(page: Page, place: int) -> None:
    """Tick the row at this place of the work-list, counted from 0."""
    table = page.get_by_test_id("stDataFrame")
    await expect(table.locator("canvas").first).to_be_visible()
    box = await table.bounding_box()
    assert box is not None
    # The table is drawn on a canvas: its cells are places, not elements.
    await page.mouse.click(box["x"] + 16, box["y"] + HEADER_PX + ROW_PX * (place + 0.5))


async def choose(page: Page, placeholder: str, option: str | re.Pattern[str]) -> str:
    """Choose an option of a select box; return its words."""
    await page.get_by_role("combobox", name=placeholder).click()
    chosen = page.get_by_role("option", name=option).first
    words = await chosen.inner_text()
    await chosen.click()
    return words


async def test_a_review_is_modified_signed_enacted_and_found_in_the_audit(
    page: Page, settings: Settings, people: tuple[Store, Store, str], store_factory: StoreFactory
) -> None:
    store, worker, anna = people
    patient_id = await clinic.patient(store, anna, clinic.Sick("Example, Ada"))
    await clinic.assess(worker, patient_id)
    async with dashboard_with_loops(settings) as processes:
        await sign_in(page, processes)
        await open_row(page, 0)
        await expect(page.get_by_text("Example, Ada")).to_be_visible()
        await expect(page.get_by_text("simulated patient")).to_be_visible()
        sign = page.get_by_role("button", name=re.compile("^Sign:"))
        await expect(sign).to_have_count(0)
        await page.get_by_role("radio", name="Modify").click()
        await expect(sign).to_be_disabled()
        await choose(page, "Reason", "Patient's preference")
        dose = await choose(page, "New dose", re.compile("^Increase amlodipine 5→10 mg$|^Add "))
        await page.get_by_placeholder("Your password again").fill(clinic.PASSWORD)
        await expect(sign).to_be_enabled()
        box = await sign.bounding_box()
        assert box is not None and box["y"] + box["height"] <= 900, "the sign button is in view"
        await page.screenshot(path=settings.home / "review.png")
        await sign.click()
        await expect(page.get_by_text(f"Modify: {dose}")).to_be_visible(timeout=30_000)
        await expect(page.get_by_text("The order is enacted.")).to_be_visible()
        sealer = await store_factory(Role.SEALER)
        await sealing.integrate(sealer, now=clock.now())
        await page.get_by_role("button", name="Audit timeline").click()
        order = page.get_by_role("row", name=re.compile("Order enacted"))
        await expect(order).to_have_count(1)
        decided = page.get_by_role("row", name=re.compile(r"Review decided \(decision modify\)"))
        await expect(decided).to_contain_text("Dr Anna: I reviewed this proposal")
        assert (await decided.locator("td").last.inner_text()).isdecimal()
    async with store.transaction(Acting("clinician", anna, patient_id)) as tx:
        drugs = await regimen.current(tx, patient_id)
    assert [int(line.daily_dose_ug) for line in drugs] != [5_000]


async def test_a_review_says_why_this_move_and_not_the_next_one_below_the_decision(
    page: Page, settings: Settings, people: tuple[Store, Store, str]
) -> None:
    store, worker, anna = people
    patient_id = await clinic.patient(store, anna, clinic.Sick("Example, Ada"))
    await clinic.assess(worker, patient_id, FilterPredictor())
    async with dashboard(settings) as processes:
        await sign_in(page, processes)
        await open_row(page, 0)
        defer = page.get_by_role("radio", name="Defer")
        await expect(defer).to_be_visible()
        why = page.get_by_text("Why this move, and not the next one")
        await expect(page.get_by_text("Where it leads")).not_to_be_visible()
        below, decision = await why.bounding_box(), await defer.bounding_box()
        assert below is not None and decision is not None and below["y"] > decision["y"]
        await why.click()
        for heading in ("Where it leads", re.compile("^Over the next one: "), "One rung more"):
            await expect(page.get_by_role("heading", name=heading)).to_be_visible()
        by_cuff = page.get_by_text(re.compile("by this patient's own readings")).first
        await expect(by_cuff).to_be_visible()
        await page.screenshot(path=settings.home / "why.png", full_page=True)


async def test_a_click_opens_the_patient_that_was_shown_though_the_list_has_changed(
    page: Page, settings: Settings, people: tuple[Store, Store, str]
) -> None:
    store, worker, anna = people
    first = await clinic.patient(store, anna, clinic.Sick("First, F", 158, 96))
    second = await clinic.patient(store, anna, clinic.Sick("Second, S", 146, 90))
    for patient_id in (first, second):
        await clinic.assess(worker, patient_id)
    async with dashboard(settings) as processes:
        await sign_in(page, processes)
        async with worker.transaction(Acting("worker", "w", second)) as tx:
            alarm = Alarm(AlarmCause.CRISIS_WITH_SYMPTOMS, Urgency.EMERGENCY, clock.now())
            await alarms.raise_or_merge(tx, second, alarm, now=clock.now())
        # The list on the server begins with Second now; the one on the screen with First.
        await open_row(page, 0)
        await expect(page.locator(".person .name")).to_have_text("First, F")
        await page.reload()
        await expect(page.locator(".person .name")).to_have_text("First, F")
        await page.get_by_role("link", name="Work-list").click()
        await expect(page.get_by_text("2 patients")).to_be_visible()
        await open_row(page, 0)
        await expect(page.locator(".person .name")).to_have_text("Second, S")


async def test_a_refresh_keeps_the_session_and_sign_out_ends_it(
    page: Page, settings: Settings, people: tuple[Store, Store, str]
) -> None:
    async with dashboard(settings) as processes:
        await sign_in(page, processes)
        await page.reload()
        await expect(page.locator("h3", has_text="Work-list")).to_be_visible()
        (cookie,) = [c for c in await page.context.cookies() if c["name"] == "clinaiops_session"]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
        await page.get_by_role("link", name="Sign out").click()
        await expect(page).to_have_url(re.compile("/sign-in$"))
        await page.goto(f"{processes.dashboard_url}/alarms")
        await expect(page).to_have_url(re.compile("/sign-in$"))


async def test_a_service_that_is_away_is_said_and_nothing_else_is_shown(
    page: Page, settings: Settings, people: tuple[Store, Store, str]
) -> None:
    async with dashboard(settings) as processes:
        await sign_in(page, processes)
        processes.stop("api")
        await page.get_by_role("link", name="Alarms").click()
        await expect(page.get_by_text("The clinician service does not answer")).to_be_visible()


async def test_the_wall_closes_what_streamlit_leaves_open(settings: Settings) -> None:
    async with (
        dashboard(settings) as processes,
        httpx.AsyncClient(base_url=processes.dashboard_url, trust_env=False) as http,
    ):
        for path in ("/_stcore/metrics", "/_stcore/agent/openapi.json"):
            assert (await http.get(path)).status_code == 404
        html = {"Accept": "text/html"}
        for path in ("/", "/review", "/patient?patient=x"):
            answer = await http.get(path, headers=html)
            assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
        shell = await http.get("/sign-in", headers=html)
        assert "frame-ancestors 'none'" in shell.headers["Content-Security-Policy"]
        assert shell.headers["X-Frame-Options"] == "DENY"
        form = {"username": "anna", "password": "x"}
        forged = await http.post("/sign-in", data=form, headers={"Origin": "http://evil.test"})
        assert forged.status_code == 403 and "set-cookie" not in forged.headers
        wrong = await http.post("/sign-in", data=form)
        assert wrong.status_code == 401 and "set-cookie" not in wrong.headers


async def test_an_envelope_is_compared_signed_and_revoked(
    page: Page, settings: Settings, people: tuple[Store, Store, str]
) -> None:
    store, _, anna = people
    await clinic.clinician(store, "ben")
    patient_id = await clinic.patient(store, anna, clinic.Sick("Example, Ada"))
    async with dashboard(settings) as processes:
        await sign_in(page, processes)
        await page.goto(f"{processes.dashboard_url}/envelope?patient={patient_id}")
        await expect(page.get_by_text("no envelope signed")).to_be_visible()
        await choose(page, "Stage", re.compile("^One step"))
        await choose(page, "Amlodipine, daily dose", re.compile("^5 mg$"))
        await page.get_by_role("option", name="10 mg").click()
        await page.keyboard.press("Escape")
        change = page.get_by_role("row", name=re.compile("Amlodipine, daily dose"))
        await expect(change).to_contain_text("–5 mg · 10 mg")
        await page.screenshot(path=settings.home / "envelope.png")
        sign = page.get_by_role("button", name="Sign version 1")
        await page.get_by_placeholder("Your password again").first.fill("not my password")
        await sign.click()
        await expect(page.get_by_text("The password is wrong. Nothing was signed.")).to_be_visible()
        await page.get_by_placeholder("Your password again").first.fill(clinic.PASSWORD)
        await sign.click()
        await expect(page.get_by_text("One step is not earned yet")).to_be_visible()
        await page.get_by_text("A second clinician signs too").click()
        await page.get_by_label("User name").fill("ben")
        await page.get_by_label("Their password").fill(clinic.PASSWORD)
        await page.screenshot(path=settings.home / "two_signatures.png")
        await page.get_by_placeholder("Your password again").first.fill(clinic.PASSWORD)
        await sign.click()
        await expect(page.get_by_text("Version 1 signed by Dr Anna and Dr Ben.")).to_be_visible()
        await expect(page.get_by_text(re.compile("^version 1 until"))).to_be_visible()
        await expect(page.get_by_text("Nothing differs from the signed version.")).to_be_visible()
        await page.get_by_role("button", name="Revoke", exact=True).click()
        await page.get_by_label("Why").fill("patient is ill")
        await page.get_by_label("Password", exact=True).last.fill(clinic.PASSWORD)
        await page.get_by_role("button", name="Revoke now").click()
        await expect(page.get_by_text("version 1 revoked")).to_be_visible()
    async with store.transaction(Acting("clinician", anna, patient_id)) as tx:
        (kept,) = await envelopes.history(tx, patient_id)
    assert [int(rung) for rung in kept.envelope.bounds[0].rungs_ug] == [5_000, 10_000]
    assert kept.envelope.revoked_at is not None


async def test_an_alarm_is_taken_a_patient_halted_a_goal_proposed_and_a_record_confirmed(
    page: Page, settings: Settings, people: tuple[Store, Store, str]
) -> None:
    store, worker, anna = people
    patient_id = await clinic.patient(store, anna, clinic.Sick("Example, Ada"))
    async with worker.transaction(Acting("worker", "w", patient_id)) as tx:
        alarm = Alarm(AlarmCause.PERSISTENT_LOW, Urgency.SAME_DAY, clock.now())
        await alarms.raise_or_merge(tx, patient_id, alarm, now=clock.now())
    async with dashboard(settings) as processes:
        await sign_in(page, processes)
        await page.get_by_role("link", name="Alarms").click()
        await page.get_by_role("button", name="Acknowledge").click()
        await expect(page.get_by_text("Fill in: note")).to_be_visible()
        await page.get_by_label("Note").fill("called, lies down")
        await page.get_by_role("button", name="Acknowledge").click()
        await expect(page.get_by_text("taken by Dr Anna")).to_be_visible(timeout=40_000)
        await page.get_by_role("button", name="Patient", exact=True).click()
        await page.get_by_role("button", name="Halt recommendations").click()
        await page.get_by_label("Why").fill("low pressure")
        await page.get_by_role("button", name="Halt", exact=True).click()
        await expect(page.locator(".badge", has_text="halted")).to_be_visible()
        await page.get_by_role("radio", name="Wearable").click()
        await expect(page.get_by_text("Nothing on this page is a blood-pressure")).to_be_visible()
        await expect(page.get_by_text("Nightly dip of the heart rate")).to_be_visible()
        await page.get_by_role("radio", name="Goals and messages").click()
        await page.get_by_label("Propose a goal").fill("Walk every day")
        await page.get_by_role("button", name="Send").first.click()
        await expect(page.get_by_text("Goal proposed.")).to_be_visible()
        await expect(page.locator(".badge", has_text="proposed")).to_be_visible()
        await expect(page.get_by_label("Propose a goal")).to_have_value("")
        await page.screenshot(path=settings.home / "together.png")
        await page.get_by_role("radio", name="Record check").click()
        await page.get_by_label("Target: systolic below (mmHg)").fill("140")
        await page.get_by_role("button", name="Confirm").click()
        await expect(page.get_by_text("target below 140/80")).to_be_visible()
