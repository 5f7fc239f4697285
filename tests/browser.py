"""A real browser for tests: an installed Chromium or Chrome, else Playwright's own download.

Fixtures (`browser` for the session, `page` for a test) skip with "not run" when none can be had,
so that such tests are never counted as passed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

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
_INSTALL_WITHIN_S = 240


def find_browser() -> Path | None:
    """Return an executable: installed, downloaded before, downloaded now, or from apt."""
    return _installed() or _playwrights_own() or _download() or _from_apt()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for the whole session."""
    executable = find_browser()
    if executable is None:
        pytest.skip("not run: no Chromium is installed and none could be downloaded")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=executable, headless=True, args=list(FLAGS)
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a browser context of its own: no cookie of another test."""
    context = browser.new_context(viewport=VIEWPORT, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


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
