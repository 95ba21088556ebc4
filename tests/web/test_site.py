import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser

import httpx
import pytest

from fettle.pipelines.records import StepRun
from fettle.registry.records import GateResult
from fettle.workspace import Workspace
from tests.bundles import kept
from tests.web.addresses import LISTS, details
from tests.web.conftest import serve
from tests.web.life import NAME, Life

HOSTILE = """<img src=x onerror="alert(1)">'"&{{7*7}}</title></svg><script>alert(2)</script>"""


class Tags(HTMLParser):
    """Which elements a page has, and with which attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_every_page_answers_and_has_a_twin(http: httpx.Client, life: Life):
    for address in [*LISTS, *details(life.ws)]:
        page = http.get(address)
        assert page.status_code == 200, address
        links = [
            attrs for tag, attrs in Tags(page.text).found if tag == "link" and attrs.get("rel") == "alternate"
        ]
        twin = http.get(str(links[0]["href"]))
        assert twin.status_code == 200, links[0]["href"]
        assert twin.headers["content-type"] == "application/json"
        assert isinstance(twin.json(), dict)


def test_every_link_leads_to_a_page(http: httpx.Client, life: Life):
    """All links of all pages; a lineage, a chosen step and a sorted list stand for their like."""
    seen: set[str] = set()
    for address in [*LISTS, *details(life.ws)]:
        for tag, attrs in Tags(http.get(address).text).found:
            href = attrs.get("href") or ""
            kind = re.sub(r"=[^&]*|[0-9a-f-]{16,}", "", href)
            if tag == "a" and href.startswith("/") and "download" not in attrs and kind not in seen:
                seen.add(kind)
                assert http.get(href).status_code == 200, (address, href)
    assert len(seen) > 40


def test_the_twin_obeys_the_same_address(http: httpx.Client):
    found = http.get("/alerts.json", params={"kind": "drift"}).json()["alerts"]
    assert {each["kind"] for each in found} == {"drift"}


def test_the_series_keeps_every_spike(life: Life, http: httpx.Client):
    from fettle.tracking.records import Point

    run = life.ws.call("tracking.start", experiment="spikes", name="one spike")
    points = [Point("loss", 100.0 if step == 777 else 1.0, step) for step in range(2000)]
    life.ws.call("tracking.log", run=run.id, points=points)
    life.ws.call("tracking.finish", run=run.id)
    narrow = http.get(f"/runs/{run.id}/series.json", params={"key": "loss", "width": 60}).json()
    assert narrow["total"] == 2000
    assert len(narrow["steps"]) <= 60
    assert max(narrow["high"]) == 100.0
    assert narrow["steps"] == sorted(set(narrow["steps"]))
    near = http.get(
        f"/runs/{run.id}/series.json", params={"key": "loss", "from": 770, "to": 780, "width": 60}
    ).json()
    assert near["steps"] == list(range(770, 781))
    assert near["last"][7] == 100.0


def test_what_is_not_there_is_said_with_the_nearest_name(http: httpx.Client):
    page = http.get("/models/elektricity")
    assert page.status_code == 404
    assert "There is no model" in page.text
    assert "Did you mean" in page.text
    assert http.get("/models/elektricity.json").json()["error"]["code"] == "not-found"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/nowhere", 404),
        ("/runs/nothing", 404),
        ("/alerts/nothing", 404),
        (f"/models/{NAME}/99", 404),
        (f"/models/{NAME}/first", 422),
        ("/data?page=none", 422),
        ("/runs?cursor=none", 422),
        ("/runs?status=ajar", 422),
        ("/alerts?status=ajar", 422),
        (f"/endpoints/{NAME}?minutes=7", 422),
        (f"/monitoring/{NAME}?at=yesterday", 422),
        ("/runs?sort=;drop", 422),
    ],
)
def test_a_wrong_address_gets_a_page_that_helps(http: httpx.Client, address: str, status: int):
    page = http.get(address)
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert "what to do" in page.text
    assert "Traceback" not in page.text


def test_programs_get_errors_as_json(http: httpx.Client):
    answer = http.get("/api/v1/nowhere")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not-found"


def test_pages_may_run_no_foreign_and_no_inline_script(http: httpx.Client, life: Life):
    for address in [*LISTS, *details(life.ws)]:
        page = http.get(address)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert page.headers["x-content-type-options"] == "nosniff"
        for tag, attrs in Tags(page.text).found:
            assert tag != "script" or attrs.get("src", ""), address
            assert "style" not in attrs, address
            assert not [name for name in attrs if name.startswith("on")], address
            target = str(attrs.get("href") or attrs.get("src") or "")
            assert not target.startswith(("http:", "https:", "//", "javascript:")), (address, target)


def test_an_unchanged_page_costs_no_body(http: httpx.Client):
    first = http.get(f"/models/{NAME}/1")
    again = http.get(f"/models/{NAME}/1", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_a_fragment_is_a_part_of_the_page(http: httpx.Client):
    page = http.get("/alerts?kind=drift")
    part = http.get("/alerts?kind=drift", headers={"HX-Request": "true", "HX-Target": "live"})
    assert "<html" not in part.text
    assert part.text.strip() in page.text
    whole = http.get("/alerts", headers={"HX-Target": "live", "HX-History-Restore-Request": "true"})
    assert "<html" in whole.text


def test_the_theme_is_kept_and_leads_back(http: httpx.Client):
    answer = http.post("/theme", content="theme=dark&back=%2Fruns%3Fq%3Da")
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?q=a")
    assert "fettle-theme=dark" in answer.headers["set-cookie"]
    assert '<html lang="en" data-theme="dark">' in http.get("/", headers={"Cookie": "fettle-theme=dark"}).text
    http.cookies.clear()


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/%5Cevil.example", "javascript:alert(1)"]
)
def test_the_theme_leads_nowhere_else(http: httpx.Client, back: str):
    answer = http.post("/theme", content=f"theme=light&back={back}")
    http.cookies.clear()
    assert answer.headers["location"] == "/"


def test_an_unknown_theme_is_refused(http: httpx.Client):
    assert http.post("/theme", content="theme=neon").status_code == 422
    assert http.post("/theme", content="theme=" + "x" * 5000).status_code == 422
    assert 'data-theme="neon"' not in http.get("/", headers={"Cookie": "fettle-theme=neon"}).text
    http.cookies.clear()


def test_empty_pages_say_how_to_begin(empty_site: str):
    with httpx.Client(base_url=empty_site, timeout=30) as client:
        for address in LISTS:
            page = client.get(address)
            assert page.status_code == 200, address
            assert 'class="copy"' in page.text, address
        assert "fettle demo" in client.get("/").text


@pytest.fixture
def hostile(tmp_path) -> Iterator[tuple[Workspace, str]]:
    """A workspace in which every free text is an attempt to break out of the page."""
    with Workspace.create(tmp_path) as ws, serve(ws) as address:
        run = ws.call(
            "tracking.start", experiment="e", name=HOSTILE, params={HOSTILE: HOSTILE}, tags={"tag": HOSTILE}
        )
        ws.call("tracking.finish", run=run.id)
        flow = ws.call("pipelines.start", name="p")
        step = StepRun(0, HOSTILE, "failed", "k", datetime.now(UTC), 0.1, error=HOSTILE)
        ws.call("pipelines.finish", flow=flow.id, status="failed", steps=[step])
        gates = [GateResult(HOSTILE, True, 1.0, 0.5, HOSTILE)]
        ws.call(
            "registry.register",
            model="m",
            bundle=kept(ws.blobs, 1),
            metrics={HOSTILE: 0.5},
            gates=gates,
            description=HOSTILE,
            run_id=run.id,
            flow_id=flow.id,
        )
        ws.call("registry.promote", model="m", version=1, reason=HOSTILE)
        yield ws, address


def test_hostile_names_stay_text(hostile: tuple[Workspace, str]):
    ws, address = hostile
    run, flow = ws.call("tracking.runs")[0], ws.call("pipelines.runs")[0]
    paths = [
        "/",
        "/runs",
        f"/runs/{run.id}",
        f"/pipelines/{flow.id}?step=0",
        "/models",
        "/models/m",
        "/models/m/1",
    ]
    paths += ["/audit", "/lineage?focus=model:m@1", "/runs?q=%3Cimg%20src%3Dx%3E", "/%3Cimg%20src=x%3E"]
    with httpx.Client(base_url=address, timeout=30) as client:
        for path in paths:
            page = client.get(path)
            tags = Tags(page.text).found
            assert not [attrs for tag, attrs in tags if tag == "img"], path
            assert len([tag for tag, _ in tags if tag == "script"]) == 1, path
            assert "49" not in re.findall(r"onerror[^<]{0,60}", page.text), path
            assert not [attrs for _, attrs in tags for name in attrs if name.startswith("on")], path
