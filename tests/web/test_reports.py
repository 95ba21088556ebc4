"""Reports: what their blocks show, what a mistake in one says, who changes them, and the one file they become."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.storage.objects import put_object
from fettle.tracking.records import Point
from fettle.web import report_blocks
from fettle.web.report_blocks import Chart, Compared, Listed, Wrong
from fettle.web.report_drawing import pieces
from fettle.web.report_syntax import KINDS, Said, WrongBlock
from fettle.workspace import Workspace
from tests.web.conftest import Open
from tests.web.test_browser import violations
from tests.web.test_labels import served

HOSTILE = """<script>alert(1)</script><img src=x onerror="alert(2)">'"&{{7*7}}"""
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TEXT = f"""# Found

{HOSTILE} [evil](javascript:alert(3)) [runs](/runs)

```chart
title: The loss {HOSTILE}
where: params.depth > 0
metrics: loss, none such
smoothing: 0.5
```

```runs
columns: params.depth, metrics.loss.min
order_by: -params.depth
limit: 2
```

- within a list

  ```compare
  where: params.depth > 1
  show: params
  ```

```chart
# a remark
metrics: loss
where: metrics.loss <
```

```runs
colums: loss
```

```python
plain = "code"
```
"""


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Three runs with curves, one with a hostile name and an image."""
    with Workspace.create(tmp_path_factory.mktemp("reports"), actor="user:ada") as workspace:
        for depth in (1, 2, 3):
            name = HOSTILE if depth == 3 else f"depth {depth}"
            run = workspace.call("tracking.start", experiment="trees", name=name)
            workspace.call("tracking.set", run=run.id, params={"depth": depth})
            points = [Point("loss", 1 / (1 + step * depth), step) for step in range(20)]
            workspace.call("tracking.log", run=run.id, points=points)
        digest = put_object(workspace.blobs, PNG)
        workspace.call(
            "tracking.artifact", run=run.id, path="images/dot.png", digest=digest, size_bytes=len(PNG)
        )
        picture = f"\n![a dot](/runs/{run.id}/raw?path=images/dot.png)\n"
        workspace.call("tracking.write_report", name="trees", title=f"Trees {HOSTILE}", text=TEXT + picture)
        workspace.call("tracking.comment", subject="report:trees", text=HOSTILE)
        yield workspace


@pytest.fixture(scope="module")
def address(ws: Workspace) -> Iterator[str]:
    """The whole server, with its guard and its identities."""
    with served(ws) as found:
        yield found


@pytest.fixture(scope="module")
def http(address: str) -> Iterator[httpx.Client]:
    """A plain client of it."""
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client


def mistake(kind: str, text: str) -> tuple[int, str]:
    with pytest.raises(WrongBlock) as wrong:
        Said(kind, text)
    return wrong.value.mistake.line, wrong.value.mistake.message


def test_lines_are_read_with_their_numbers():
    said = Said("chart", "# remark\n\nmetrics: loss, `a, b`\nmetric: c: d\nwhere: x = 'a: b'\n")
    assert said.names("metrics") == ["loss", "a, b", "c: d"]
    assert said.text("where") == "x = 'a: b'"
    line = said.line("where")
    assert line is not None
    assert line.number == 5
    assert mistake("chart", "metrics: loss\n\nno colon")[0] == 3
    assert mistake("runs", "smoothing: 1") == (1, "There is no key of a block 'runs' 'smoothing'.")
    assert mistake("runs", "limit: 1\nlimit: 2") == (2, "limit is said twice.")


@pytest.mark.parametrize(
    ("kind", "content", "line"),
    [
        ("chart", "where: name = 'x'", 0),
        ("chart", "metrics: loss\nx: hours", 2),
        ("chart", "smoothing: 1\nmetrics: loss", 1),
        ("chart", "metrics: loss\nscale: cubic", 2),
        ("chart", "metrics: loss\nlimit: 31", 2),
        ("runs", "\nlimit: ٣", 2),
        ("runs", "order_by: nothing.such", 1),
        ("runs", "columns: params.a, nothing.such", 1),
        ("compare", "limit: 1", 0),
        ("compare", "show: looks", 1),
        ("compare", "runs: none, such", 1),
    ],
)
def test_a_mistake_says_its_line(ws: Workspace, kind: str, content: str, line: int):
    block = report_blocks.read_block(ws, kind, content)
    assert isinstance(block, Wrong), block
    assert block.mistake.line == line
    assert block.mistake.message


def test_blocks_show_what_they_ask_for(ws: Workspace):
    found = report_blocks.read(ws, ws.call("tracking.report", name="trees").text)
    chart, listed, compared, wrong, misspelt = found
    assert isinstance(chart, Chart)
    assert isinstance(listed, Listed)
    assert isinstance(compared, Compared)
    assert [len(chart.curves["loss"]), len(chart.curves["none such"])] == [3, 0]
    assert chart.look.smoothing == 0.5
    assert [row[0] for row in listed.values] == [3, 2]
    assert listed.values[0][1] == pytest.approx(1 / 58)
    assert listed.more
    assert {row.key for row in compared.comparison.rows} == {"depth"}
    assert isinstance(wrong, Wrong)
    assert isinstance(misspelt, Wrong)
    assert (wrong.mistake.line, misspelt.mistake.line) == (3, 1)
    assert "^" in wrong.mistake.found


def test_many_blocks_are_not_drawn(ws: Workspace):
    found = report_blocks.read(ws, "```runs\nlimit: 1\n```\n" * (report_blocks.MOST_BLOCKS + 1))
    assert [isinstance(each, Wrong) for each in found[-2:]] == [False, True]


def test_so_many_curves_and_no_more(ws: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(report_blocks, "MOST_CURVES", 4)
    chart = "```chart\nmetrics: loss\n```\n"
    found = report_blocks.read(ws, chart * 3 + "```runs\nlimit: 1\n```\n")
    assert [type(each) for each in found] == [Chart, Chart, Wrong, Listed]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*KINDS, "python", ""]),
            st.text(st.characters(exclude_characters="`~"), max_size=30),
        ),
        max_size=5,
    )
)
def test_each_block_stands_where_it_was_written(fences: list[tuple[str, str]]):
    text = "\n\n".join(
        f"before {at}\n\n```{kind}\n{content}\n```" for at, (kind, content) in enumerate(fences)
    )
    asked = report_blocks.fenced(text)
    blocks = [Listed(f"block {at}", [], [], [], [], False) for at, _ in enumerate(asked)]
    found = pieces(text, blocks)
    drawn = [each["block"] for each in found if not isinstance(each, str)]
    assert drawn == blocks
    assert "<!--" not in "".join(each for each in found if isinstance(each, str))


def test_a_page_shows_the_rest_beside_a_mistake(http: httpx.Client):
    page = http.get("/reports/trees").text
    assert page.count("<metric-chart ") == 1
    assert "None of these runs has a metric of this name" in page
    assert page.count("cannot be drawn") == 2
    assert "line 1:  colums: loss" in page
    assert "There are more runs" in page
    assert "plain = " in page
    twin = http.get("/reports/trees.json").json()
    assert [each["type"] for each in twin["blocks"]] == ["chart", "runs", "compare", "mistake", "mistake"]
    assert [each["name"] for each in http.get("/reports.json").json()["reports"]] == ["trees"]


@pytest.mark.parametrize("path", ["/reports", "/reports/trees", "/reports/trees/edit", "/reports/trees.html"])
def test_what_was_written_runs_nowhere(http: httpx.Client, path: str):
    page = http.get(path).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="javascript:' not in page
    assert html.escape(HOSTILE.partition("<img")[0]) in page


def test_the_file_needs_nothing_but_itself(http: httpx.Client, address: str):
    answer = http.get("/reports/trees.html?download")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''trees.html"
    page = answer.text
    assert "<script" not in page
    assert "<link" not in page
    assert "metric-chart" not in page.partition("</style>")[2]
    assert page.count('<svg class="chart"') == 1
    assert {each.split(",")[0] for each in re.findall(r'src="([^"]*)"', page)} == {"data:image/png;base64"}
    assert all(each.startswith(("http", "#")) for each in re.findall(r'href="([^"]*)"', page))
    assert f'href="{address}/runs"' in page
    assert "url(" not in page
    assert "content-disposition" not in http.get("/reports/trees.html").headers
    assert http.get("/reports/none.html").status_code == 404


def test_an_image_that_is_not_here_is_named_instead(ws: Workspace, http: httpx.Client):
    text = "![gone](/runs/none/raw?path=x.png) ![page](/audit) ![far](https://example.org/x.png)"
    ws.call("tracking.write_report", name="gone", text=text)
    page = http.get("/reports/gone.html").text
    assert ("<em>[gone]</em>" in page, "<em>[page]</em>" in page, "<img" in page) == (True, True, False)
    ws.call("tracking.drop_report", name="gone")


def test_a_report_is_made_changed_and_taken_away(ws: Workspace, http: httpx.Client):
    made = http.post("/reports", data={"title": "A new one: §1"})
    assert (made.status_code, made.headers["location"]) == (303, "/reports/a-new-one-1/edit")
    again = http.post("/reports", data={"title": "A new one: §1"})
    assert (again.status_code, "is a report" in again.text) == (409, True)
    report = ws.call("tracking.report", name="a-new-one-1")
    assert (report.title, report.revision) == ("A new one: §1", 1)
    fields = {"title": "Newer", "text": "one\r\ntwo", "revision": "1", "do": "look"}
    looked = http.post("/reports/a-new-one-1", data=fields)
    assert "not kept yet" in looked.text
    assert "<p>one\ntwo</p>" in looked.text
    assert ws.call("tracking.report", name="a-new-one-1") == report
    assert http.post("/reports/a-new-one-1", data={**fields, "do": "write"}).status_code == 303
    kept = ws.call("tracking.report", name="a-new-one-1")
    assert (kept.title, kept.text, kept.revision) == ("Newer", "one\ntwo", 2)
    assert http.post("/reports/a-new-one-1", data={"do": "drop"}).headers["location"] == "/reports"
    assert http.get("/reports/a-new-one-1").status_code == 404


def test_of_two_who_write_nobody_loses_a_word(ws: Workspace, http: httpx.Client):
    ws.call("tracking.write_report", name="both", text="first")
    ws.call("tracking.write_report", name="both", text="theirs <b>", revision=1)
    answer = http.post(
        "/reports/both", data={"text": "mine <i>", "title": "", "revision": "1", "do": "write"}
    )
    assert answer.status_code == 409
    assert "mine &lt;i&gt;" in answer.text
    assert "theirs &lt;b&gt;" in answer.text
    assert 'name="revision" value="2"' in answer.text
    assert ws.call("tracking.report", name="both").text == "theirs <b>"
    merged = {"text": "theirs and mine", "title": "both", "revision": "2", "do": "write"}
    assert http.post("/reports/both", data=merged).status_code == 303
    assert ws.call("tracking.report", name="both").revision == 3
    ws.call("tracking.drop_report", name="both")


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/reports", {"title": " "}, 422),
        ("/reports", {"title": "x" * 201}, 422),
        ("/reports", {"title": "x", "name": "../x"}, 422),
        ("/reports/trees", {"text": "x", "do": "burn", "revision": "1"}, 422),
        ("/reports/trees", {"text": "x", "do": "write", "revision": "one"}, 422),
        ("/reports/trees", {"text": "x", "do": "write"}, 422),
        ("/reports/trees", {"text": "x" * 100_001, "do": "write", "revision": "1"}, 422),
        ("/reports/none", {"text": "x", "do": "look", "revision": "1"}, 404),
    ],
)
def test_a_wrong_form_changes_nothing(
    ws: Workspace, http: httpx.Client, path: str, fields: dict[str, str], status: int
):
    assert http.post(path, data=fields).status_code == status
    assert [each.name for each in ws.call("tracking.reports")] == ["trees"]
    assert ws.call("tracking.report", name="trees").revision == 1


def test_a_report_whose_name_ends_like_a_file(ws: Workspace, http: httpx.Client):
    ws.call("tracking.write_report", name="old.html", text="x")
    assert http.get("/reports/old.html").headers["location"] == "/reports/old.html/edit"
    assert http.get("/reports/old.html/edit").status_code == 200
    ws.call("tracking.drop_report", name="old.html")


def test_viewers_read_and_do_not_write(tmp_path: Path):
    with Workspace.create(tmp_path, actor="user:ada") as ws:
        ws.call("tracking.write_report", name="plan", text="read me")
        ws.call("governance.grant", actor="user:root", role="admin")
        secret = ws.call("governance.grant", actor="user:eve", role="viewer").secret
        with served(ws) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
            client.post("/sign-in", data={"token": secret})
            assert "read me" in client.get("/reports/plan").text
            assert client.post("/reports", data={"title": "mine"}).status_code == 403
            fields = {"text": "changed", "do": "write", "revision": "1"}
            assert client.post("/reports/plan", data=fields).status_code == 403
        assert ws.call("tracking.report", name="plan").text == "read me"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_reports_are_accessible(visit: Open, address: str, axe: str, theme: str):
    tab, narrow = visit(theme, address=address), visit(theme, address=address, width=390)
    for path in ("/reports", "/reports/trees", "/reports/trees/edit"):
        page = tab.go(path)
        page.wait_for_load_state("networkidle")
        assert violations(page, axe, theme) == [], path
        assert narrow.go(path).evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_saved_file_opens_from_disk(visit: Open, http: httpx.Client, tmp_path: Path, axe: str):
    file = tmp_path / "trees.html"
    file.write_bytes(http.get("/reports/trees.html?download").content)
    tab = visit(address=f"file://{tmp_path}")
    page = tab.go("/trees.html")
    assert page.locator("svg.chart path.stroke").count() >= 3
    assert (
        page.locator("svg.chart path.stroke").first.evaluate("each => getComputedStyle(each).fill") == "none"
    )
    assert page.evaluate("[...document.images].every(each => each.naturalWidth > 0)")


def test_a_report_is_written_without_script(visit: Open, address: str, ws: Workspace):
    page = visit(script=False, address=address).go("/reports")
    page.get_by_label("Title").fill("By hand")
    page.get_by_role("button", name="Begin").click()
    page.locator("textarea[name=text]").fill("It **works**.")
    page.get_by_role("button", name="See how it looks").click()
    assert page.locator(".report-text strong").inner_text() == "works"
    page.get_by_role("button", name="Keep").click()
    assert page.locator(".report-text strong").inner_text() == "works"
    ws.call("tracking.drop_report", name="by-hand")
