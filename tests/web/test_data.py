"""The pages of datasets, their history, one version, its files and checks: what they say, and what they never run."""

from __future__ import annotations

import re

import httpx
import pytest

from fettle.data import versions as data_versions
from fettle.web import versions
from fettle.web.files import image_type, text_of
from tests.web.holdings import FILES, HOSTILE, TABLE, Holdings, picture
from tests.web.test_site import Tags


def addresses(holdings: Holdings) -> list[str]:
    """One page of each kind that shows data."""
    ws = holdings.ws
    first, head = ws.call("data.show", ref=f"{TABLE}@v1").id, ws.call("data.show", ref=TABLE).id
    return [
        "/data", "/data?q=pay", f"/data/{TABLE}", f"/data/{TABLE}?at=correct-fees", f"/data/{TABLE}?at={first}",
        f"/data/{TABLE}@main", f"/data/{TABLE}/v2", f"/data/{TABLE}@{first}", f"/data/{TABLE}@main~2",
        f"/data/{TABLE}@main?sort=-missing&q=amount", f"/data/{TABLE}@main/files",
        f"/data/{TABLE}@main/files?path=table",
        f"/data/{TABLE}/checks", f"/data/{TABLE}/diff", f"/data/{TABLE}/diff?a=v1&b=v2", f"/data/{TABLE}/diff/v1/main",
        f"/data/{TABLE}/diff/{head[:12]}/{head[:12]}", f"/data/{FILES}", f"/data/{FILES}@main",
        f"/data/{FILES}@main/files", f"/data/{FILES}@main/files?path=cats&page=1&sort=-size",
        *(f"/data/{FILES}@main/files?path={each}" for each in ("cats/001.png", "page.html", "weights.bin", "long.log")),
        f"/data/{FILES}@main~1/files?path=empty.txt", f"/data/{FILES}/diff", f"/data/{FILES}/checks",
        "/data/people@main", "/privacy", f"/privacy/{TABLE}", f"/privacy/{TABLE}?status=proposed", "/privacy/people",
        f"/privacy/{FILES}",
    ]  # fmt: skip


def test_every_page_answers_and_has_a_twin(data_http: httpx.Client, holdings: Holdings):
    for address in addresses(holdings):
        page = data_http.get(address)
        assert page.status_code == 200, address
        found = Tags(page.text).found
        twin = next(
            str(attrs["href"]) for tag, attrs in found if tag == "link" and attrs.get("rel") == "alternate"
        )
        answer = data_http.get(twin)
        assert answer.status_code == 200, twin
        assert isinstance(answer.json(), dict)


def test_every_fragment_is_a_part_of_its_page(data_http: httpx.Client, holdings: Holdings):
    for address in addresses(holdings):
        page = data_http.get(address).text
        if 'id="live"' in page:
            part = data_http.get(address, headers={"HX-Request": "true", "HX-Target": "live"})
            assert part.status_code == 200, address
            assert "<html" not in part.text
            assert part.text.strip() in page


def test_every_link_leads_somewhere(data_http: httpx.Client, holdings: Holdings):
    seen: set[str] = set()
    for address in addresses(holdings):
        for tag, attrs in Tags(data_http.get(address).text).found:
            href = attrs.get("href") or ""
            if tag == "a" and href.startswith("/") and href not in seen:
                seen.add(href)
                assert data_http.get(href).status_code == 200, (address, href)
    assert len(seen) > 80


def test_nothing_stored_is_run(data_http: httpx.Client, holdings: Holdings):
    """Messages, metadata, file names, cells, notes: all that is hostile stays text."""
    for address in addresses(holdings):
        found = Tags(data_http.get(address).text).found
        assert len([tag for tag, _ in found if tag == "script"]) == 1, address
        assert not [
            attrs for tag, attrs in found if tag == "img" and "/raw?path=cats/" not in str(attrs["src"])
        ]
        assert not [attrs for _, attrs in found for name in attrs if name.startswith("on") or name == "style"]
    assert "&lt;img src=x" in data_http.get(f"/data/{TABLE}").text
    assert "&lt;img src=x" in data_http.get(f"/data/{FILES}@main/files?path=page.html").text


def test_the_list_tells_checks_holds_and_branches(data_http: httpx.Client):
    twin = data_http.get("/data.json").json()
    assert {each["name"] for each in twin["datasets"]} >= {TABLE, FILES, "people"}
    assert twin["held"] == {TABLE: 1}
    assert twin["verdicts"][TABLE]["passed"] == 3
    page = data_http.get("/data").text
    for told in ("1 of 4 checks failed", "1 hold", "correct-fees", "v1"):
        assert told in page
    assert FILES not in re.findall(r'<a href="/data/([^"@/]+)"', data_http.get("/data?q=pay").text)
    assert f">{TABLE}<" in data_http.get("/data?q=correct").text


def test_the_history_shows_the_merge_and_what_it_merged(data_http: httpx.Client, holdings: Holdings):
    twin = data_http.get(f"/data/{TABLE}.json").json()
    shown = [each["id"] for each in twin["history"]]
    lineage = holdings.ws.call("data.lineage", ref=f"{TABLE}@main")
    assert set(shown) == {each.id for each in lineage}
    assert len([each for each in twin["history"] if len(each["parents"]) == 2]) == 1
    for each in twin["history"]:
        assert all(shown.index(each["id"]) < shown.index(parent) for parent in each["parents"])
    page = data_http.get(f"/data/{TABLE}").text
    assert page.count('class="dot') == len(shown)
    assert "on 2 lines" in page
    assert "+20 rows" in page
    assert "−1 row<" in page
    beside = data_http.get(f"/data/{TABLE}.json?at=correct-fees").json()["history"]
    assert beside[0]["message"] == "Fees of the first weeks corrected"
    assert len(beside) == 3


def test_a_long_history_goes_on_below(
    data_http: httpx.Client, holdings: Holdings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fettle.web.data.SHOWN_COMMITS", 3)
    first = data_http.get(f"/data/{TABLE}.json").json()
    assert len(first["history"]) == 3
    older = data_http.get(f"/data/{TABLE}.json?at={first['older']}").json()
    assert not {each["id"] for each in first["history"]} & {each["id"] for each in older["history"]}
    assert "Older versions" in data_http.get(f"/data/{TABLE}").text


def test_both_addresses_show_the_same_version(data_http: httpx.Client):
    one, other = (data_http.get(f"/data/{TABLE}{sign}v1.json").json() for sign in "@/")
    assert one == other
    assert one["commit"]["message"] == "First export of the payments"


def test_a_version_tells_profile_anomalies_checks_and_models(data_http: httpx.Client, holdings: Holdings):
    twin = data_http.get(f"/data/{TABLE}@main.json").json()
    kinds = {(each["kind"], each["column"]) for each in twin["validated"]["report"]["anomalies"]}
    assert {("missing-column", "note"), ("unseen-category", "plan"), ("new-column", "channel")} <= kinds
    assert {each["check"]: each["outcome"] for each in twin["results"]}["known-plan"] == "failed"
    assert [each["model"] for each in twin["versions"]] == ["fraud"]
    page = data_http.get(f"/data/{TABLE}@main").text
    for told in (
        "Distribution of amount",
        "Columns that hang together",
        "/models/fraud/1",
        "row 11",
        "what changed",
    ):
        assert told in page, told
    assert page.count('class="strip"') == 4
    assert "@example.org" not in page, "of texts that hardly repeat, the length is told"


def test_a_large_table_is_not_validated_for_a_page(data_http: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(versions, "VALIDATED_CELLS", 100)
    twin = data_http.get(f"/data/{TABLE}@main.json").json()["validated"]
    assert twin["report"] is None
    assert twin["command"].startswith(f"fettle data validate {TABLE}@")
    assert "too many" in data_http.get(f"/data/{TABLE}@main").text


def test_checks_tell_owner_severity_and_history(data_http: httpx.Client, holdings: Holdings):
    page = data_http.get(f"/data/{TABLE}/checks").text
    for told in (
        "ada@example.org",
        "warning",
        "at least 98.0 % of rows",
        "No refunds.",
        "passed 6 of",
    ):
        assert told in page, told
    runs = holdings.ws.call("data.check_history", dataset=TABLE, check="known-plan")
    strip = re.search(r'<svg class="strip"[^>]*aria-label="known-plan.*?</svg>', page, re.DOTALL)
    assert strip is not None
    assert strip[0].count("strip-bad") == sum(each.outcome == "failed" for each in runs) > 0
    assert strip[0].count("<rect") == len(runs)
    assert "No check yet" in data_http.get(f"/data/{FILES}/checks").text


def test_files_are_listed_and_looked_into(data_http: httpx.Client):
    twin = data_http.get(f"/data/{FILES}@main/files.json").json()
    entries = {each["name"]: each for each in twin["entries"]}
    assert (entries["cats"]["folder"], entries["cats"]["files"]) == (True, 24)
    assert f"{HOSTILE.replace('/', ' ')}.txt" in entries
    preview = data_http.get(f"/data/{FILES}@main/files.json?path=long.log").json()["preview"]
    assert preview["cut"]
    assert preview["text"].startswith("grün und weiß\n")
    assert "neither text nor an image" in data_http.get(f"/data/{FILES}@main/files?path=weights.bin").text
    assert "<img" in data_http.get(f"/data/{FILES}@main/files?path=cats/001.png").text
    assert "<img" not in data_http.get(f"/data/{FILES}@main/files?path=fake.png").text
    assert "empty" in data_http.get(f"/data/{FILES}@main~1/files?path=empty.txt").text
    assert data_http.get(f"/data/{FILES}@main/files?path=nothing").status_code == 404


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "fake.png", "weights.bin", "README.md"])
def test_what_is_no_image_is_only_ever_saved(data_http: httpx.Client, name: str):
    answer = data_http.get(f"/data/{FILES}@main/raw?path={name}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_images_come_as_they_were_stored(data_http: httpx.Client):
    answer = data_http.get(f"/data/{FILES}@main/raw?path=cats/001.png")
    assert answer.content == picture(tone=9)
    assert answer.headers["content-type"] == "image/png"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert data_http.get(f"/data/{FILES}@main/raw?path=cats").status_code == 404
    assert data_http.get(f"/data/{FILES}@main/raw").status_code == 404


def test_what_is_text_and_what_an_image():
    assert text_of("weiß".encode()[:-1]) == "wei"
    assert text_of(b"\xff\xfe\x00a") is None
    assert text_of(b"caf\xe9 au lait") is None
    assert text_of(b"") == ""
    assert image_type("a/b.PNG", picture()) == "image/png"
    assert image_type("a.png", b"<html>") == ""
    assert image_type("a.svg", b"<svg") == ""


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/data/nothing", 404),
        (f"/data/{TABLE}@nothing", 404),
        (f"/data/{TABLE}/nothing", 404),
        (f"/data/{TABLE}?at=nothing", 404),
        (f"/data/{TABLE}/diff/v1/nothing", 404),
        ("/data/nothing/checks", 404),
        (f"/data/{TABLE}@main/files?path=../etc/passwd", 404),
        (f"/data/{TABLE}@{{yesterday}}", 422),
        ("/data?page=none", 422),
    ],
)
def test_a_wrong_address_gets_a_page_that_helps(data_http: httpx.Client, address: str, status: int):
    page = data_http.get(address)
    assert page.status_code == status
    assert "what to do" in page.text


def test_metadata_links_the_versions_it_names():
    id = "0123456789abcdef" * 4
    assert versions.linked(f"from churn@{id} and more") == [
        ("from ", ""),
        ("churn@0123456789", f"/data/churn@{id}"),
        (" and more", ""),
    ]
    assert versions.linked("a@b c") == [("a@b c", "")]


def test_a_version_without_profile_says_how_to_make_one(tmp_path):
    import polars as pl

    from fettle.workspace import Workspace
    from tests.web.conftest import serve

    with Workspace.create(tmp_path) as ws, serve(ws) as address:
        data_versions.commit_frame(ws, "bare", pl.DataFrame({"a": [1]}), profile=False)
        page = httpx.get(f"{address}/data/bare@main").text
        assert "fettle data profile bare@" in page
        assert "No schema is kept" in page
        assert "Nobody" not in httpx.get(f"{address}/privacy/bare").text
