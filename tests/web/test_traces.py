"""The pages of traces and of evaluation sets: by plain HTTP, and in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some
from playwright.sync_api import expect

from fettle.storage.objects import put_object
from fettle.web.spans import Step, arranged, written
from fettle.web.traces import lasted
from fettle.workspace import Workspace
from tests.web import traced
from tests.web.conftest import Open, serve
from tests.web.test_browser import violations


@dataclass
class Traced:
    """A workspace with traces, its pages' address, a client of them, and the ids of a run and a set."""

    ws: Workspace
    address: str
    http: httpx.Client
    run: str
    set: str


@pytest.fixture(scope="module")
def site_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with Workspace.create(tmp_path_factory.mktemp("traced"), actor="user:ada") as ws, serve(ws) as address:
        run = ws.call("tracking.start", experiment="churn", name="served").id
        made = traced.fill(ws, run)
        with httpx.Client(base_url=address, timeout=30) as http:
            yield Traced(ws, address, http, run, made)


def names(text: str) -> list[str]:
    return re.findall(r'<a href="/traces/([^"?]+)">', text)


def test_traces_are_listed_narrowed_and_ordered(site_of: Traced) -> None:
    page = site_of.http.get("/traces").text
    assert len(names(page)) == 50 and "63 traces" in page and "1 failed" in page
    assert names(site_of.http.get("/traces?state=ERROR").text) == ["tr-1"]
    assert names(site_of.http.get("/traces?q=WHY").text) == ["tr-1"]
    assert set(names(site_of.http.get(f"/traces?run={site_of.run}").text)) == {"tr-1", "tr-2"}
    assert names(site_of.http.get("/traces?sort=-took").text)[0] == "tr-1"
    assert "Nothing fits" in site_of.http.get("/traces?q=nowhere").text
    assert site_of.http.get("/traces?experiment=nothing").status_code == 404
    for wrong in ("state=FINE", "sort=name", "cursor=x", "cursor=9~"):
        assert site_of.http.get(f"/traces?{wrong}").status_code == 422


@pytest.mark.parametrize("sort", ["-at", "at", "-took", "took"])
def test_each_trace_is_on_one_page(site_of: Traced, sort: str) -> None:
    found, address = [], f"/traces.json?sort={sort}"
    while address:
        told = site_of.http.get(address).json()
        found += [each["id"] for each in told["traces"]]
        address = f"/traces.json?sort={sort}&cursor={told['next']}" if told["next"] else ""
    assert len(found) == len(set(found)) == 63


def test_a_trace_is_a_waterfall_whose_steps_have_addresses(site_of: Traced) -> None:
    page = site_of.http.get("/traces/tr-1").text
    assert page.count('class="span-bar"') == 4
    assert re.findall(r'class="deep-(\d+)">[^\n]*?span=(.)', page) == [
        ("0", "a"),
        ("1", "b"),
        ("2", "c"),
        ("0", "d"),
    ]
    assert "no luck" in page and "line 3" in page and "1.20 s" in page  # the step that failed is shown
    assert "because" in site_of.http.get(f"/traces/tr-1?span={'b' * 16}").text
    assert site_of.http.get("/traces/tr-1?span=nothing").status_code == 404
    assert f'href="/runs/{site_of.run}"' in page and "correct" in page and "ada" in page
    assert "goes on" in site_of.http.get("/traces/tr-2").text
    assert site_of.http.get("/traces/none").status_code == 404


def test_nothing_that_was_told_becomes_markup(site_of: Traced) -> None:
    for address in ("/traces", "/traces/tr-1", "/evaluation", f"/evaluation/{site_of.set}"):
        page = site_of.http.get(address)
        assert page.status_code == 200
        assert "<img src=x" not in page.text and "<script>alert" not in page.text


def test_spans_that_were_sent_as_a_file_are_read(site_of: Traced) -> None:
    page = site_of.http.get("/traces/tr-file").text
    assert "of a file" in page and "of a newer file" in page and "it broke" in page and "TOOL" in page


@pytest.mark.parametrize(
    "spans",
    [
        r'[{"name": "\ud800", "span_id": "\ud800", "attributes": {"mlflow.spanInputs": "\udfff"}}]',
        r'[{"name": "twice", "span_id": "1", "attributes": {"mlflow.spanInputs": "{\"q\": \"\\ud800\"}"}}]',
        f'[{{"name": "long", "start_time": 1, "end_time": {"9" * 400}}}]',
        f'[{{"name": "long", "start_time": -{"9" * 400}, "events": [{{"timestamp": {"9" * 400}}}]}}]',
        '[{"name": 1, "span_id": ["x"], "parent_id": {"a": 1}, "start_time": NaN, "end_time": 1e400}]',
    ],
)
def test_a_file_of_odd_spans_breaks_no_page(site_of: Traced, spans: str) -> None:
    digest = put_object(site_of.ws.blobs, f'{{"spans": {spans}}}'.encode())
    file = {"path": "traces.json", "digest": digest, "size_bytes": 1}
    site_of.ws.call("tracking.file", owner="trace:tr-many-59", **file)
    for address in ("/traces/tr-many-59", "/traces/tr-many-59.json"):
        assert site_of.http.get(address).status_code == 200


def test_a_run_leads_to_its_traces_and_a_trace_can_be_talked_about(site_of: Traced) -> None:
    assert f'href="/traces?run={site_of.run}">2 traces' in site_of.http.get(f"/runs/{site_of.run}").text
    form = {"do": "say", "subject": "trace:tr-2", "text": "Look, @ben", "back": "/traces/tr-2"}
    assert site_of.http.post("/talk", data=form).status_code == 303
    assert "Look, @ben" in site_of.http.get("/traces/tr-2").text
    assert "/traces/tr-2#comment-" in site_of.http.get("/mentions?actor=user:ben").text


def test_evaluation_sets_and_their_records(site_of: Traced) -> None:
    page = site_of.http.get("/evaluation").text
    assert "inputs.q, expectations.a" in page and "churn" in page
    first = site_of.http.get(f"/evaluation/{site_of.set}").text
    assert "1–50 of 60" in first and "human" in first
    second = site_of.http.get(f"/evaluation/{site_of.set}?page=2")
    assert (first + second.text).count('href="/traces/tr-1"') == 1
    assert second.text.count('<tr id="dr-') == 10
    assert site_of.http.get("/evaluation/d-none").status_code == 404
    assert "Nothing fits" in site_of.http.get("/evaluation?q=nowhere").text


def test_pages_of_traces_are_accessible_narrow_and_readable_without_script(
    visit: Open, site_of: Traced, axe: str
) -> None:
    pages = ("/traces", "/traces/tr-1", "/traces/tr-2", "/evaluation", f"/evaluation/{site_of.set}")
    tab, narrow = visit(address=site_of.address), visit("dark", address=site_of.address, width=390)
    found = {}
    for address in pages:
        found[address] = violations(tab.go(address), axe)
        found[f"{address} dark"] = violations(narrow.go(address), axe, "dark")
        for page in (tab.page, narrow.page):
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    assert {address: each for address, each in found.items() if each} == {}
    plain = visit(script=False, address=site_of.address)
    plain.go("/traces?sort=-took").get_by_role("link", name="answer", exact=True).first.click()
    plain.page.get_by_role("link", name="look up").click()
    expect(plain.page.locator("#span")).to_contain_text("because")


def test_a_trace_that_goes_on_is_seen_to_end(visit: Open, site_of: Traced) -> None:
    number = site_of.ws.tracking.experiment("churn").number
    site_of.ws.call(
        "tracking.put_spans",
        experiment=number,
        spans=[traced.span("tr-live", "a" * 16, "", "begun", 0, None)],
    )
    page = visit(address=site_of.address).go("/traces/tr-live")
    expect(page.locator(".waterfall")).to_contain_text("goes on")
    more = [
        traced.span("tr-live", "b" * 16, "a" * 16, "then", 1, 2),
        traced.span("tr-live", "a" * 16, "", "begun", 0, 9),
    ]
    site_of.ws.call("tracking.put_spans", experiment=number, spans=more)
    expect(page.locator(".waterfall")).to_contain_text("then", timeout=15_000)
    expect(page.locator(".waterfall")).not_to_contain_text("goes on")


ids = some.sampled_from("abcdef")


@given(some.lists(some.builds(Step, ids, ids | some.just(""), ids), unique_by=lambda step: step.id))
def test_every_step_stands_once_behind_the_one_around_it(steps: list[Step]) -> None:
    found = arranged(steps)
    assert sorted(each.id for each in found) == sorted(each.id for each in steps)
    for place, each in enumerate(found):
        around = next((other for other in reversed(found[:place]) if other.depth < each.depth), None)
        assert each.depth == 0 or (around is not None and around.id == each.parent)


def test_long_texts_are_cut_and_said_to_be() -> None:
    assert written({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}'
    assert "30,000 characters" in written("x" * 30_000)


def test_times_never_say_a_thousand_of_a_unit() -> None:
    borders = (900_000, 999_499, 999_500, 999_949_999, 999_950_000, 59_994_999_999, 59_995_000_000)
    said = [lasted(each) for each in borders]
    assert said == ["900 µs", "999 µs", "1.0 ms", "999.9 ms", "1.00 s", "59.99 s", "1.0 min"]
