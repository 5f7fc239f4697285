"""Make the README's pictures from a running demo: `python docs/pictures.py`.

Signs in to the dashboard as the demo's lead clinician and photographs the pages at 1440 × 900,
then enrols one more simulated patient and photographs the patient's app at a phone's size.
"""

import asyncio
import re
import sys
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from demo.backfill import record_bytes
from demo.desk import login_of, open_desk
from demo.personas import PERSONAS, Story
from services import clock
from services.settings import Settings, load
from tests.browser import FLAGS, VIEWPORT, find_browser

HERE = Path(__file__).parent
PATIENCE_MS = 30_000
PHONE: ViewportSize = {"width": 390, "height": 844}
# The table is drawn on a canvas: its rows are places, not elements.
HEADER_PX, ROW_PX = 36, 35
# The other pages, each with words that stand on it once it is drawn.
PAGES = {
    "Patient": "Medicines and labs",
    "Envelope": "What the patient may do alone",
    "Alarms": "Halt the clinic",
    "Audit": "Assessment made",
}


async def sign_in(page: Page, settings: Settings) -> None:
    """Sign in through the form and wait for the work-list."""
    login = login_of(settings.home, "lead")
    await page.goto(f"http://127.0.0.1:{settings.dashboard_port}")
    await page.get_by_label("User name").fill(login.username)
    await page.get_by_label("Password").fill(login.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.locator("h3", has_text="Work-list").wait_for()


async def drawn(page: Page) -> None:
    """Wait until Streamlit has drawn everything and no image changes any more."""
    await page.get_by_test_id("stStatusWidget").wait_for(state="detached")
    await page.wait_for_function("document.fonts.status === 'loaded'")
    await page.wait_for_load_state("networkidle")
    await page.wait_for_function(
        "[...document.querySelectorAll('[data-testid=stVegaLiteChart]')]"
        ".every(chart => chart.querySelector('canvas, svg'))"
    )


async def picture(page: Page, name: str) -> None:
    """Photograph what is in view."""
    await drawn(page)
    await page.screenshot(path=HERE / f"{name}.png")
    print(f"docs/{name}.png")


async def open_review(page: Page) -> None:
    """Tick the third row, a proposal below the red flags, and wait for its review."""
    table = page.get_by_test_id("stDataFrame")
    await table.locator("canvas").first.wait_for()
    box = await table.bounding_box()
    if box is None:
        raise LookupError("the work-list shows no table")
    await page.mouse.click(box["x"] + 16, box["y"] + HEADER_PX + 2.5 * ROW_PX)
    await page.get_by_role("radio", name="Modify").wait_for()


async def admit(settings: Settings) -> str:
    """Import one more simulated patient, confirm the record, and return the phone's code."""
    persona = next(p for p in PERSONAS if p.story is Story.CONTROLLED)
    async with httpx.AsyncClient(trust_env=False, timeout=60.0) as http:
        desk = await open_desk(http, settings)
        imported = await desk.import_record(record_bytes(persona.record), timezone="Etc/UTC")
        since = clock.now() - timedelta(days=120)
        patient_id = str(imported["patient_id"])
        await desk.reconcile(patient_id, persona, since=since.isoformat())
    return str(imported["enrolment_code"])


async def photograph_phone(browser: Browser, settings: Settings) -> None:
    """Enrol a browser of a phone's size as a patient's phone and photograph today's plan."""
    page = await browser.new_page(viewport=PHONE, locale="en-GB", timezone_id="UTC")
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{settings.gateway_url}/app")
    await page.get_by_label("Code from your clinic").fill(await admit(settings))
    await page.get_by_label("Blood pressure monitor").fill("Demo cuff")
    await page.get_by_label("The cuff fits").check()
    await page.get_by_role("button", name="Connect").click()
    await page.get_by_label("My readings, doses").check()
    await page.get_by_label("I may be offered").check()
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("heading", name="Today").wait_for()
    await page.wait_for_load_state("networkidle")
    await page.screenshot(path=HERE / "phone.png")
    print("docs/phone.png")


async def main() -> None:
    """Photograph each page of the dashboard once, and the patient's app."""
    settings = load()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        page = await browser.new_page(viewport=VIEWPORT, locale="en-GB", timezone_id="UTC")
        page.set_default_timeout(PATIENCE_MS)
        await sign_in(page, settings)
        await picture(page, "worklist")
        await open_review(page)
        await picture(page, "review")
        for label, shown in PAGES.items():
            await page.get_by_role("link", name=re.compile(label)).first.click()
            await page.get_by_text(shown).first.wait_for()
            await picture(page, label.lower())
        await photograph_phone(browser, settings)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
