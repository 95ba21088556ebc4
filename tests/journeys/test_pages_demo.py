"""The demo's own pages: looked at while the market goes on, and after it has ended."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from fettle.server.app import create_app
from fettle.server.run import bind
from fettle.workspace import Workspace
from tests.listening import listening
from tests.web.conftest import Visit, browser

__all__ = ["browser"]


@contextmanager
def demo(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`fettle demo --fast` in a process of its own, with its pages; yields it and their address."""
    with bind("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "fettle", "demo", "--fast", "--json"]
    command += ["--folder", str(folder), "--ui-port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The whole server over the workspace that the demo left."""
    with Workspace.create(folder) as ws, listening(create_app(ws)) as url:
        yield url


def wait_for(address: str, process: subprocess.Popen[str]) -> None:
    """Wait until the demo's pages answer."""
    while process.poll() is None:
        try:
            httpx.get(address, timeout=5)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(
        f"the demo ended with code {process.returncode} before its pages answered:\n{process.communicate()[1]}"
    )


@pytest.mark.timeout(300)
def test_the_demo_can_be_watched(tmp_path, browser):
    folder = tmp_path / "demo"
    with demo(folder) as (process, address):
        wait_for(address, process)
        context = browser.new_context(viewport={"width": 1360, "height": 900})
        tab = Visit(context, address)
        page = tab.go("/")
        logged = page.locator(".loop a", has_text="prediction log")
        expect(page.locator(".loop")).to_contain_text("1 worker", timeout=60_000)
        expect(logged).to_contain_text("rows", timeout=60_000)
        before = logged.text_content() or ""
        expect(logged).not_to_have_text(before, timeout=60_000)  # it goes on without a reload
        assert tab.problems == []
        assert tab.foreign == []
        context.close()
        out, _ = process.communicate()
        assert process.returncode == 0
    report = json.loads(out)

    with served(folder) as address:
        context = browser.new_context(viewport={"width": 1360, "height": 900}, color_scheme="dark")
        tab = Visit(context, address)
        page = tab.go("/")
        expect(page.locator(".loop")).to_contain_text(
            f"{report['promotions']} of {report['retrainings']} promoted"
        )
        expect(page.locator(".loop")).to_contain_text("0 refused")
        page.locator(".loop a", has_text="monitor").click()
        chart = page.locator("figure", has_text="Performance over time")
        for name in ("champion", "frozen first model", "baseline"):
            expect(chart).to_contain_text(name)
        assert chart.locator(".mark-head").count() == report["promotions"]
        assert page.locator("a[data-place]").count() > 20
        for name in ("Data", "Pipelines", "Runs", "Models", "Endpoints", "Alerts", "Retraining", "Audit"):
            page.get_by_role("navigation", name="Rooms").get_by_role("link", name=name).click()
            expect(page.locator("main table")).not_to_have_count(0)
            page.locator("main tbody a").first.click() if name != "Audit" else None
            expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_contain_text("the chain is whole")
        assert tab.problems == []
        assert tab.foreign == []
        context.close()
