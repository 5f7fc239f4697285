"""A real browser for tests: an installed Chromium or Chrome, else Playwright's own download.

The fixture `page` skips with "not run" when none can be had, so that such a test never counts as
passed. Import it in a `conftest.py`: `from tests.browser import page`.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

import pytest
from playwright.async_api import Page, ViewportSize, async_playwright, expect
from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
VIEWPORT: ViewportSize = {"width": 1440, "height": 900}
PATIENCE_MS = 20_000
_INSTALL_WITHIN_S = 240


@cache
def find_browser() -> Path | None:
    """Return an executable: installed, downloaded before, downloaded now, or from apt."""
    return _installed() or _playwrights_own() or _download() or _from_apt()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A page of a browser of its own: no cookie of another test. Skips with "not run" without one.

    Playwright's synchronous form would hold the thread's event loop, which other tests need.
    """
    executable = await asyncio.to_thread(find_browser)
    if executable is None:
        pytest.skip("not run: no Chromium is installed and none could be downloaded")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, headless=True, args=list(FLAGS)
        )
        context = await browser.new_context(
            viewport=VIEWPORT, locale="en-GB", timezone_id="UTC", service_workers="allow"
        )
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield await context.new_page()
        await browser.close()


def _installed() -> Path | None:
    found = (shutil.which(name) for name in NAMES)
    return next((Path(path) for path in found if path is not None), None)


def _playwrights_own() -> Path | None:
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.exists() else None


def _download() -> Path | None:
    if not _succeeds([sys.executable, "-m", "playwright", "install", "chromium"]):
        return None
    return _playwrights_own()


def _from_apt() -> Path | None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return None
    _succeeds(["apt-get", "update"])
    _succeeds(["apt-get", "install", "-y", "--no-install-recommends", "chromium"])
    return _installed()


def _succeeds(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, check=False, timeout=_INSTALL_WITHIN_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
