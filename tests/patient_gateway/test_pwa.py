"""The web app in a real browser: enrol, measure, report, answer, offline and back, log out."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from playwright.async_api import Page, expect

from services import clock as system_clock
from services.store import alarms, readings, symptoms
from services.store.roles import Acting
from tests.patient_gateway.conftest import Gateway
from tests.patient_gateway.phones import Clock, Phone
from tests.patient_gateway.test_plan import offer

pytestmark = [pytest.mark.browser, pytest.mark.stack]


# The app opens its database again, empty, to show the first screen.
COUNT_KEPT = """new Promise((done) => {
  const request = indexedDB.open("home-blood-pressure");
  request.onsuccess = () => {
    const kept = request.result.transaction("kept").objectStore("kept").getAllKeys();
    kept.onsuccess = () => done(kept.result.length);
  };
})"""


@pytest.fixture
def clock() -> Clock:
    """The browser's clock is the machine's, so the gateway's is too."""
    return Clock(system_clock.now())


@pytest.fixture
async def address(gateway: Gateway) -> AsyncIterator[str]:
    """The gateway on a real socket, in this event loop."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(gateway.app, access_log=False, log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://localhost:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


async def enrol(gateway: Gateway, page: Page, address: str) -> str:
    """Enrol the browser as a phone with both consents; return the patient's id."""
    imported = await gateway.import_patient()
    await page.goto(f"{address}/app")
    await page.get_by_label("Code from your clinic").fill(str(imported["enrolment_code"]).lower())
    await page.get_by_label("Blood pressure monitor").fill("Omron M7")
    await page.get_by_label("The cuff fits").check()
    await page.get_by_role("button", name="Connect").click()
    await page.get_by_label("My readings, doses").check()
    await page.get_by_label("I may be offered").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Today")).to_be_visible()
    await expect(page.get_by_text("Simulated patient")).to_be_visible()
    return str(imported["patient_id"])


async def enter(page: Page, systolic: int, diastolic: int) -> None:
    await page.get_by_label("Upper").fill(str(systolic))
    await page.get_by_label("Lower").fill(str(diastolic))
    await page.get_by_label("Pulse").fill("71")
    await page.get_by_role("button", name="Save reading").click()


async def test_two_readings_a_crisis_and_what_to_do(
    gateway: Gateway, page: Page, address: str
) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    await page.clock.install()
    patient_id = await enrol(gateway, page, address)
    await page.get_by_role("button", name="Measure").click()
    await enter(page, 80, 120)
    await expect(page.get_by_role("alert")).to_have_text("Check the numbers.")
    await enter(page, 131, 84)
    await expect(page.get_by_role("timer")).to_be_visible()
    await page.clock.run_for(61_000)
    await expect(page.get_by_role("heading", name="Second reading")).to_be_visible()
    await enter(page, 188, 114)
    heading = page.get_by_role("heading", name="Very high reading")
    await expect(heading).to_be_visible()
    async with gateway.store.transaction(Acting("system", "t", patient_id)) as tx:
        now = gateway.clock()
        kept = await readings.between(
            tx, patient_id, now.replace(year=2020), now.replace(year=2099)
        )
        (alarm,) = await alarms.list_open(tx, patient_id)
    assert [(one.systolic_mmhg, one.source.value) for one in kept] == [
        (131, "typed"),
        (188, "typed"),
    ]
    assert kept[0].cuff_fits is True and kept[0].device_validated is None
    assert alarm.cause == "crisis_reading"
    assert complaints == []


async def test_offline_what_is_entered_waits_and_is_sent_once(
    gateway: Gateway, page: Page, address: str
) -> None:
    patient_id = await enrol(gateway, page, address)
    await page.evaluate("navigator.serviceWorker.ready")
    await page.reload()
    await expect(page.get_by_role("heading", name="Today")).to_be_visible()
    await page.context.set_offline(True)
    await expect(page.get_by_text("No connection.").first).to_be_visible()
    await page.get_by_role("button", name="Symptoms").click()
    await page.get_by_label("Dizzy").check()
    await page.get_by_role("button", name="Report").click()
    await expect(page.get_by_text("Kept on this phone")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="Symptoms")).to_be_visible()
    async with gateway.store.transaction(Acting("system", "t", patient_id)) as tx:
        assert await symptoms.since(tx, patient_id, gateway.clock().replace(year=2020)) == ()
    async with page.expect_response("**/v1/symptoms") as sent:
        await page.context.set_offline(False)
    assert (await (await sent.value).json())["items"][0]["status"] == "stored"
    async with gateway.store.transaction(Acting("system", "t", patient_id)) as tx:
        (entry,) = await symptoms.since(tx, patient_id, gateway.clock().replace(year=2020))
    assert entry.symptom.value == "dizziness"


async def test_a_step_is_accepted_only_after_it_was_read_back(
    gateway: Gateway, page: Page, address: str
) -> None:
    patient_id = await enrol(gateway, page, address)
    await offer(gateway, Phone(gateway.http, gateway.clock, patient_id=patient_id))
    await page.get_by_role("button", name="Today").click()
    accept = page.get_by_role("button", name="I accept")
    await expect(accept).to_be_disabled()
    await page.get_by_label("I have read this and will take: Amlodipine").check()
    await accept.click()
    await expect(page.get_by_text("Your answer was sent.")).to_be_visible()
    assert len(gateway.loops.given) == 1


async def test_chinese_big_targets_and_a_logout_that_leaves_nothing(
    gateway: Gateway, page: Page, address: str
) -> None:
    await page.set_viewport_size({"width": 375, "height": 700})
    await enrol(gateway, page, address)
    await page.get_by_role("button", name="中文").click()
    await expect(page.get_by_role("heading", name="今天")).to_be_visible()
    assert await page.locator("html").get_attribute("lang") == "zh-CN"
    for name in ("测量", "症状", "更多"):
        await page.get_by_role("button", name=name).click()
        await expect(page.get_by_role("heading", name=name).first).to_be_visible()
        for target in await page.locator("button:visible, a:visible, label.check:visible").all():
            box = await target.bounding_box()
            assert box is not None and box["height"] >= 44 and box["width"] >= 44
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(overflow) <= 0
    await page.get_by_role("button", name="退出").click()
    await expect(page.get_by_label("登记码")).to_be_visible()
    assert await page.evaluate(COUNT_KEPT) == 0


async def test_no_health_data_is_in_the_shells_cache(
    gateway: Gateway, page: Page, address: str
) -> None:
    await enrol(gateway, page, address)
    await page.evaluate("navigator.serviceWorker.ready")
    await page.reload()
    await expect(page.get_by_role("heading", name="Today")).to_be_visible()
    cached = await page.evaluate(
        "caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name)"
        ".then((cache) => cache.keys())))).then((all) => all.flat().map((one) => one.url))"
    )
    assert cached and all("/app/" in url for url in cached)
    assert not any("/v1/" in url for url in cached)
