"""The list of runs, one run with all it recorded, comments, pins and short links: by plain HTTP, without script."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import polars as pl
import pytest

from fettle.storage.objects import put_object
from fettle.tracking.records import Point
from fettle.web.captured import coloured, printed
from fettle.web.searching import where_of
from fettle.workspace import Workspace
from tests.web.conftest import serve

HOSTILE = "<script>alert(1)</script>"
DIFF = "diff --git a/t.py b/t.py\n@@ -1 +1 @@\n-lr = 0.1\n+lr = 0.3 <b>\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@dataclass
class Tried:
    """A workspace with runs of every kind, and a client of its pages."""

    ws: Workspace
    http: httpx.Client
    runs: dict[str, str]


def keep(ws: Workspace, run: str, path: str, data: bytes) -> None:
    digest = put_object(ws.blobs, data)
    ws.call("tracking.artifact", run=run, path=path, digest=digest, size_bytes=len(data))


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    with Workspace.create(tmp_path_factory.mktemp("tried"), actor="user:ada") as ws, serve(ws) as address:
        runs = {}
        for model in ("tree", "forest"):
            for seed in (1, 2, 3):
                name = f"{model} {seed}"
                run = ws.call(
                    "tracking.start", experiment="churn", name=name, params={"model": model, "seed": seed}
                )
                loss = [
                    Point("loss", seed / 10 + (9.0 if step == 7 else 1 / (1 + step)), step)
                    for step in range(40)
                ]
                ws.call(
                    "tracking.log",
                    run=run.id,
                    points=[*loss, Point("system/cpu", 50.0), Point("system/cpu", 60.0, 1)],
                )
                ws.call("tracking.finish", run=run.id)
                runs[name] = run.id
        fill(ws, runs["tree 1"])
        with httpx.Client(base_url=address, timeout=30) as http:
            yield Tried(ws, http, runs)


def fill(ws: Workspace, run: str) -> None:
    """All that a run can keep."""
    ws.call(
        "tracking.note",
        run=run,
        notes=f"# Why\n\n**bold** {HOSTILE} [x](javascript:alert(1)) ![i](https://e.example/i.png)",
    )
    table = io.BytesIO()
    pl.DataFrame({"id": range(250), "text": [HOSTILE] * 250}).write_parquet(table)
    for path, data in {
        "tables/rows.parquet": table.getvalue(),
        "images/digits/00000003.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 20,
        "figures/roc.svg": SVG,
        "config.json": b'{"a":{"b":[1,2]}}',
        "page.html": HOSTILE.encode(),
        "captured/changes.diff": DIFF.encode(),
        "captured/environment.json": b'{"python":"3.11.7","packages":{"numpy":"2.1.0"}}',
        "captured/console/00000000": b"\x1b[31mfirst\x1b[0m\n 10%\r100%\n",
        "captured/console/00000020": f"last {HOSTILE}\n".encode(),
        "broken.parquet": b"PAR1 not really",
    }.items():
        keep(ws, run, path, data)


# --- the list


def names(page: httpx.Response) -> list[str]:
    return [
        part.split("</a>")[0]
        for part in page.text.split('scope="row">')[1:]
        for part in [part.split('">', 1)[1]]
    ]


def test_words_and_expressions_find_runs(tried: Tried):
    assert where_of("tree 3") == 'words "tree" and words "3"'
    for text in ("tree 3", 'params.model = "tree" and params.seed = 3', "tree"):
        found = tried.http.get("/runs.json", params={"q": text}).json()["runs"]
        assert {each["name"] for each in found} <= {"tree 1", "tree 2", "tree 3"}, text
        assert "tree 3" in [each["name"] for each in found]


def test_a_bad_expression_is_shown_with_its_place_and_stays(tried: Tried):
    page = tried.http.get("/runs", params={"q": "metrics.loss <", "col": "params.model"})
    assert page.status_code == 422
    assert "metrics.loss &lt;\n" in page.text
    assert "              ^" in page.text
    assert 'value="metrics.loss &lt;"' in page.text
    part = tried.http.get(
        "/runs", params={"q": "metrics.loss <"}, headers={"HX-Request": "true", "HX-Target": "live"}
    )
    assert part.status_code == 200  # so that htmx shows it
    assert "caret" in part.text
    assert tried.http.get("/runs.json", params={"q": "metrics.loss <"}).json()["error"]["code"] == "invalid"


def test_the_list_comes_alone_when_it_is_asked_again(tried: Tried):
    for address in ("/runs", "/runs?col=params.seed", f"/runs/{tried.runs['tree 1']}"):
        part = tried.http.get(address, headers={"HX-Request": "true", "HX-Target": "live"})
        assert part.status_code == 200, address
        assert "<html" not in part.text
        assert part.text.strip() in tried.http.get(address).text


def test_columns_are_chosen_and_ordered(tried: Tried):
    address = {"col": ["params.seed", "metrics.loss.max"], "sort": "-metrics.loss.max", "experiment": "churn"}
    page = tried.http.get("/runs", params=address)
    assert page.status_code == 200
    assert "loss max" in page.text
    assert page.text.index(">9.3<") < page.text.index(">9.2<") < page.text.index(">9.1<")
    assert "col=params.seed&amp;col=metrics.loss.max" in page.text
    assert tried.http.get("/runs", params={"col": "nothing.at.all"}).status_code == 422


def test_pages_go_on_by_cursor(tried: Tried, tmp_path: Path):
    with Workspace.create(tmp_path / "many") as ws, serve(ws) as address:
        for number in range(120):
            ws.call("tracking.start", experiment="many", name=f"run {number}")
        with httpx.Client(base_url=address) as http:
            seen, following = [], "/runs"
            while following:
                page = http.get(following)
                seen += names(page)
                link = page.text.partition('rel="next" href="')[2].partition('"')[0]
                following = link.replace("&amp;", "&")
                assert len(seen) < 200
    assert len(seen) == len(set(seen)) == 120


def test_views_are_saved_opened_and_dropped(tried: Tried):
    fields = {
        "do": "save",
        "name": "good",
        "experiment": "churn",
        "q": "metrics.loss < 0.3",
        "sort": "metrics.loss",
    }
    made = tried.http.post("/runs/views", data={**fields, "columns": "params.model\nmetrics.loss.min"})
    assert made.status_code == 303
    page = tried.http.get(made.headers["location"])
    assert names(page) == ["tree 1", "forest 1", "tree 2", "forest 2"] or len(names(page)) == 4
    assert "loss min" in page.text
    assert ">good " in tried.http.get("/runs").text
    bad = tried.http.post("/runs/views", data={**fields, "q": "metrics.loss <"})
    assert bad.status_code == 422
    tried.http.post("/runs/views", data={"do": "drop", "name": "good", "experiment": "churn"})
    assert ">good " not in tried.http.get("/runs").text


def test_pinned_runs_stand_on_top_and_what_is_put_aside_elsewhere(tried: Tried):
    run = tried.runs["forest 2"]
    back = {"back": "/runs", "subject": f"run:{run}"}
    assert tried.http.post("/talk", data={"do": "pin", **back}).headers["location"] == "/runs"
    assert tried.http.get("/runs").text.index('class="pinned"') < tried.http.get("/runs").text.index("tree 1")
    tried.http.post("/talk", data={"do": "unpin", **back})
    assert 'class="pinned"' not in tried.http.get("/runs").text
    for doing, shown, undoing in (("archive", "archived", "unarchive"), ("delete", "bin", "restore")):
        assert tried.http.post(f"/runs/{run}", data={"do": doing}).status_code == 303
        assert "forest 2" not in names(tried.http.get("/runs"))
        assert names(tried.http.get("/runs", params={"shown": shown})) == ["forest 2"]
        tried.http.post(f"/runs/{run}", data={"do": undoing})
    assert "forest 2" in names(tried.http.get("/runs"))


def test_a_page_asks_as_often_for_many_runs_as_for_few(tried: Tried, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    call = tried.ws.call
    monkeypatch.setattr(tried.ws, "call", lambda name, /, **given: asked.append(name) or call(name, **given))
    for address in ("/runs", f"/runs/{tried.runs['tree 2']}", "/reports"):
        asked.clear()
        assert tried.http.get(address).status_code == 200
        assert len(asked) <= 12, (address, asked)
    assert len(asked) == len(set(asked))


# --- one run


@pytest.mark.parametrize("tab", ["overview", "files", "images", "code", "environment", "console", "system"])
def test_every_tab_answers_and_has_a_twin(tried: Tried, tab: str):
    address = f"/runs/{tried.runs['tree 1']}"
    page = tried.http.get(address, params={"tab": tab})
    assert page.status_code == 200
    assert HOSTILE not in page.text
    assert tried.http.get(f"{address}.json", params={"tab": tab}).json()["tab"] == tab


def test_notes_are_markdown_and_nothing_more(tried: Tried):
    page = tried.http.get(f"/runs/{tried.runs['tree 1']}").text
    assert "<strong>bold</strong>" in page
    assert "<h3>Why</h3>" in page
    assert "&lt;script&gt;" in page
    assert 'href="javascript:' not in page
    assert 'src="https://' not in page


def test_curves_are_drawn_over_times_smoothed_and_in_factors(tried: Tried):
    run = tried.runs["tree 1"]
    for query in ({"x": "time"}, {"smoothing": "0.9"}, {"scale": "log"}):
        assert '<svg class="chart"' in tried.http.get(f"/runs/{run}", params=query).text
    found = tried.http.get("/runs/curves.json", params={"key": "loss", "run": run, "smoothing": 0.9}).json()
    (curve,) = found["curves"]
    assert max(curve["raw"]) == 9.1  # the spike survives
    assert max(curve["y"]) < 3
    for wrong in ({"x": "epoch"}, {"smoothing": "1"}, {"scale": "square"}, {"tab": "other"}):
        assert tried.http.get(f"/runs/{run}", params=wrong).status_code == 422, wrong
    assert tried.http.get("/runs/curves.json", params={"key": "loss"}).status_code == 422


def test_a_zoom_asks_for_its_range(tried: Tried):
    given = {"key": "loss", "run": tried.runs["tree 1"], "from": 5, "to": 9}
    (curve,) = tried.http.get("/runs/curves.json", params=given).json()["curves"]
    assert curve["x"] == [5.0, 6.0, 7.0, 8.0, 9.0]


def test_files_are_shown_by_what_they_are(tried: Tried):
    address = f"/runs/{tried.runs['tree 1']}"

    def shown(path: str) -> str:
        page = tried.http.get(address, params={"tab": "files", "path": path})
        assert page.status_code == 200, path
        return page.text

    assert "The first 100 of 250 rows are shown." in shown("tables/rows.parquet")
    assert "cannot be read as Parquet" in shown("broken.parquet")
    assert "&#34;b&#34;: [" in shown("config.json")
    assert "&lt;script&gt;" in shown("page.html")
    assert '<img class="preview"' in shown("figures/roc.svg")
    assert tried.http.get(address, params={"tab": "files", "path": "../x"}).status_code == 404


def test_bytes_are_saved_or_drawn_and_never_run(tried: Tried):
    def raw(path: str) -> httpx.Response:
        return tried.http.get(f"/runs/{tried.runs['tree 1']}/raw", params={"path": path})

    page, drawing, image = raw("page.html"), raw("figures/roc.svg"), raw("images/digits/00000003.png")
    assert page.headers["content-type"] == "application/octet-stream"
    assert page.headers["content-disposition"].startswith("attachment")
    assert image.headers["content-type"] == "image/png"
    assert drawing.headers["content-type"] == "image/svg+xml"
    for each in (page, drawing, image):
        assert each.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in each.headers["content-security-policy"]
        assert "script" not in each.headers["content-security-policy"]
    assert drawing.content == SVG
    assert raw("nothing").status_code == 404


def test_what_was_recorded_is_read(tried: Tried):
    address = f"/runs/{tried.runs['tree 1']}"
    code = tried.http.get(address, params={"tab": "code"}).text
    assert '<span class="d-in">+lr = 0.3 &lt;b&gt;</span>' in code
    assert "numpy" in tried.http.get(address, params={"tab": "environment"}).text
    console = tried.http.get(f"{address}.json", params={"tab": "console"}).json()["console"]
    assert console["text"].startswith("first\n100%\nlast")
    assert "d-hunk" in coloured("@@ -1 +1 @@")
    assert printed("a\r\nb\x1b[0m") == "a\nb"


# --- what people say


def test_comments_are_written_changed_and_taken_away(tried: Tried):
    run = tried.runs["tree 2"]
    about = {"subject": f"run:{run}", "back": f"/runs/{run}"}
    said = tried.http.post("/talk", data={"do": "say", "text": f"look, @bob {HOSTILE}", **about})
    assert said.headers["location"].startswith(f"/runs/{run}#comment-")
    made = said.headers["location"].partition("#comment-")[2]
    assert "look, @bob &lt;script&gt;" in tried.http.get(f"/runs/{run}").text
    tried.http.post("/talk", data={"do": "edit", "comment": made, "text": "never mind", **about})
    assert "never mind" in tried.http.get(f"/runs/{run}").text
    tried.http.post("/talk", data={"do": "drop", "comment": made, **about})
    assert "never mind" not in tried.http.get(f"/runs/{run}").text
    assert (
        tried.http.post(
            "/talk", data={"do": "say", "text": "x", "subject": "weather:1", "back": "/"}
        ).status_code
        == 422
    )
    assert tried.http.post("/talk", data={"do": "shout"}).status_code == 422


def test_a_short_link_leads_to_the_page_as_it_was(tried: Tried):
    shared = tried.http.post("/talk", data={"do": "share", "back": "/runs?q=tree&sort=-metrics.loss"})
    told = tried.http.get(shared.headers["location"])
    assert told.status_code == 200
    short = f"/s/{shared.headers['location'].rpartition('/')[2]}"
    assert short in told.text
    assert tried.http.get(short).headers["location"] == "/runs?q=tree&sort=-metrics.loss"
    assert tried.http.get("/s/nothing").status_code == 404


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_a_form_leads_nowhere_else(tried: Tried, back: str):
    subject = f"run:{tried.runs['tree 3']}"
    answer = tried.http.post("/talk", data={"do": "pin", "subject": subject, "back": back})
    assert answer.headers["location"] == "/"
    tried.http.post("/talk", data={"do": "unpin", "subject": subject})
    answer = tried.http.post("/talk", data={"do": "share", "back": back})
    assert tried.http.get(f"/s/{answer.headers['location'].rpartition('/')[2]}").headers["location"] == "/"
