"""Real pages of a real workspace, served by uvicorn on a free port, looked at by a real Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from starlette.applications import Starlette

from fettle.acts import Surface
from fettle.core.clock import FrozenClock
from fettle.web import pages
from fettle.workspace import Workspace
from tests.listening import listening
from tests.web import holdings as full
from tests.web.life import START, Life

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WINDOWS = 6


@contextmanager
def serve(ws: Surface) -> Iterator[str]:
    """Serve a workspace's pages; yields their address."""
    with listening(Starlette(routes=pages(ws))) as url:
        yield url


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """A workspace in which data, training, serving, alerts and retraining have happened."""
    clock = FrozenClock(START - timedelta(days=2))
    with Workspace.create(tmp_path_factory.mktemp("life"), clock=clock) as ws:
        life = Life(ws, clock)
        life.go(WINDOWS)
        yield life


@pytest.fixture(scope="session")
def site(life: Life) -> Iterator[str]:
    """The address of the pages of that workspace."""
    with serve(life.ws) as address:
        yield address


@pytest.fixture(scope="session")
def http(site: str) -> Iterator[httpx.Client]:
    """A plain HTTP client of these pages."""
    with httpx.Client(base_url=site, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def holdings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[full.Holdings]:
    """A workspace full of data: versions with a merge, checks, files, privacy and features; only to be read."""
    made = full.make(tmp_path_factory.mktemp("holdings"))
    yield made
    made.ws.close()


@pytest.fixture(scope="session")
def data_site(holdings: full.Holdings) -> Iterator[str]:
    """The address of the pages of that workspace."""
    with serve(holdings.ws) as address:
        yield address


@pytest.fixture(scope="session")
def data_http(data_site: str) -> Iterator[httpx.Client]:
    """A plain HTTP client of these pages."""
    with httpx.Client(base_url=data_site, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages of a workspace in which nothing has happened."""
    with Workspace.create(tmp_path_factory.mktemp("empty")) as ws, serve(ws) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, or the one that playwright installed.

    For one module only: while it is there, an event loop runs in the test's thread, and no test may start another.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("FETTLE_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A browser tab that notes what went wrong and what was asked of other hosts."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self._ask(request.url))

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(text)

    def _ask(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.foreign.append(url)

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Open]:
    """Open a tab: `visit(theme="dark", script=False)`; at the end nothing may have gone wrong in it."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def open_tab(
        theme: str = "light",
        *,
        script: bool = True,
        address: str = "",
        width: int = 1360,
        strict: bool = True,
    ) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=script,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        made = Visit(context, address or site)
        if strict:
            visits.append(made)
        return made

    yield open_tab
    for context in contexts:
        context.close()
    assert [problem for each in visits for problem in each.problems] == []
    assert [url for each in visits for url in each.foreign] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which npm installed with the build."""
    source = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
    assert source.exists(), (
        "axe-core is missing: python hatch_build.py (or FETTLE_WEB_ASSETS=build pip install -e .)"
    )
    return source.read_text("utf-8")
