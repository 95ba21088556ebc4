"""Pages that show what comes without being loaded again: empty lists, reports' tables, notices, a run's new curves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import expect

from fettle.workspace import Workspace
from tests.web.conftest import Open, serve

BLOCKS = """
```chart
where: experiment = "churn"
metrics: loss
```

```runs
where: experiment = "churn"
columns: metrics.loss
```
"""
FALLING = [{"key": "loss", "value": 1 / (1 + step), "step": step} for step in range(80)]


@dataclass
class Lively:
    """A workspace, and its pages' address."""

    ws: Workspace
    address: str


@pytest.fixture
def lively(workspace: Workspace) -> Iterator[Lively]:
    with serve(workspace) as address:
        yield Lively(workspace, address)


def test_the_first_run_appears_on_an_empty_page(visit: Open, lively: Lively) -> None:
    page = visit(address=lively.address).go("/runs")
    expect(page.get_by_text("No runs yet")).to_be_visible()
    lively.ws.tracking.start("churn", "the first")
    expect(page.get_by_role("link", name="the first")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("searchbox")).to_be_visible()


def test_a_reports_table_goes_on_and_its_chart_stays(visit: Open, lively: Lively) -> None:
    run = lively.ws.tracking.start("churn", "one").id
    lively.ws.tracking.log(run, FALLING)
    lively.ws.tracking.finish(run)
    lively.ws.tracking.write_report("weekly", text=BLOCKS)
    page = visit(address=lively.address).go("/reports/weekly")
    expect(page.locator("metric-chart canvas")).to_be_visible()
    page.locator("metric-chart canvas").evaluate("element => { element.dataset.known = 'yes'; }")
    table = page.get_by_role("region", name="Runs, block 2")
    expect(table).to_contain_text("0.0125")
    lively.ws.tracking.log(run, [{"key": "loss", "value": 0.5, "step": 80}])
    expect(table).to_contain_text("0.5000", timeout=15_000)
    expect(page.locator("metric-chart canvas[data-known]")).to_have_count(1)
    lively.ws.tracking.start("churn", "two")
    expect(page.get_by_role("link", name="two").first).to_be_visible(timeout=15_000)


def test_a_runs_first_curve_appears_while_it_goes_on(visit: Open, lively: Lively) -> None:
    run = lively.ws.tracking.start("churn", "one").id
    page = visit(address=lively.address).go(f"/runs/{run}")
    expect(page.get_by_text("No metrics yet")).to_be_visible()
    lively.ws.tracking.log(run, FALLING)
    expect(page.locator("metric-chart canvas")).to_be_visible(timeout=15_000)


def test_subscriptions_are_seen_to_change(visit: Open, lively: Lively) -> None:
    made = lively.ws.governance.subscribe("https://hooks.example/x", events=["registry.*"], name="hook")
    page = visit(address=lively.address).go("/notices")
    row = page.locator("#subscriptions tr", has_text="hook")
    expect(row).to_contain_text("active")
    id = made.id if hasattr(made, "id") else made.subscription.id
    lively.ws.call("governance.change_subscription", subscription=id, active=False)
    expect(row).to_contain_text("stopped", timeout=15_000)


@pytest.mark.parametrize(
    ("address", "fragment"),
    [("/reports/weekly", "live"), ("/notices", "subscriptions"), ("/notices", "live")],
)
def test_what_has_not_changed_costs_a_304(lively: Lively, address: str, fragment: str) -> None:
    lively.ws.tracking.write_report("weekly", text=BLOCKS)
    lively.ws.governance.subscribe("https://hooks.example/x", events=["registry.*"], name="hook")
    asking = {"HX-Request": "true", "HX-Target": fragment}
    with httpx.Client(base_url=lively.address, timeout=30) as http:
        first = http.get(address, headers=asking)
        assert "<html" not in first.text and first.status_code == 200
        again = http.get(address, headers={**asking, "If-None-Match": first.headers["etag"]})
        assert again.status_code == 304 or "just now" in first.text or " s ago" in first.text


def test_a_run_of_many_curves_draws_some_and_offers_the_rest(lively: Lively) -> None:
    run = lively.ws.tracking.start("churn", "one").id
    points = [{"key": f"m{key:02d}", "value": 0.5, "step": step} for key in range(30) for step in range(3)]
    lively.ws.tracking.log(
        run, [*points, {"key": "gap", "value": "NaN"}, {"key": "gap", "value": "NaN", "step": 1}]
    )
    with httpx.Client(base_url=lively.address, timeout=30) as http:
        page = http.get(f"/runs/{run}").text
        assert page.count("<metric-chart") == 7 and "None of its values is a finite number" in page
        assert "23 more metrics have curves" in page and "?curves=all" in page
        assert http.get(f"/runs/{run}?curves=all").text.count("<metric-chart") == 30


def test_names_of_any_length_are_cut_and_kept_apart(lively: Lively) -> None:
    name, turned = "x" * 500, "تجربة"
    run = lively.ws.tracking.start("churn", name).id
    lively.ws.tracking.start("churn", turned)
    with httpx.Client(base_url=lively.address, timeout=30) as http:
        page = http.get("/runs").text
        assert f'title="{name}"' in page and f"<bdi>{turned}</bdi>" in page
        assert name in http.get(f"/runs/{run}").text
