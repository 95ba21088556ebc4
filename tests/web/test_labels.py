"""The pages of labels and the labelling screen: by keyboard, by mouse, without script, and by whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import polars as pl
import pytest
from playwright.sync_api import Page, expect

from fettle.data.versions import commit_frame
from fettle.labels.records import Span
from fettle.server.app import create_app
from fettle.web.labels import read_marks
from fettle.workspace import Workspace
from tests.listening import listening
from tests.web.conftest import Open
from tests.web.test_browser import violations

HOSTILE = """<img src=x onerror="alert(1)">'"&{{7*7}}"""
TOPICS = ["billing", "outage", "praise"]
NEWS = "Ada 🚀 met Charles Babbage in London."


@contextmanager
def served(ws: Workspace) -> Iterator[str]:
    """The whole server, with its guard and its identities."""
    with listening(create_app(ws)) as url:
        yield url


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    """Calls to be labelled by two, and news in which to mark names."""
    with Workspace.create(tmp_path, actor="user:ada") as workspace:
        rows = [f"Call number {row}" for row in range(39)] + [HOSTILE]
        frame = pl.DataFrame({"id": range(40), "text": rows, "minutes": range(40)})
        commit_frame(workspace, "calls", frame, profile=False, key=["id"])
        workspace.labels.create(
            "topics", "calls", classes=[*TOPICS[:2], "p=praise"], show=["text", "minutes"], annotators=2, order="given",
            instructions=f"What is it about? {HOSTILE}",
        )  # fmt: skip
        commit_frame(workspace, "news", pl.DataFrame({"text": [NEWS, "Nobody came."]}), profile=False)
        classes = ["p=PERSON", "l=PLACE"]
        workspace.labels.create("names", "news", kind="spans", classes=classes, order="given")
        yield workspace


@pytest.fixture
def address(ws: Workspace) -> Iterator[str]:
    with served(ws) as found:
        yield found


def said(ws: Workspace, project: str = "topics", who: str = "user:ada") -> dict[int, list[str]]:
    """What somebody answered, by item."""
    stored = ws.labels.answers(project, only="all")
    return {
        each.item: given.answer.labels if given.state == "labelled" else ["skipped"]
        for each in stored
        for given in each.annotations
        if given.annotator == who
    }


def start(page: Page, address: str, project: str = "topics") -> None:
    page.goto(f"{address}/labels/{project}")
    page.get_by_role("button", name="Label items").click()
    page.wait_for_url(re.compile(r"screen\?item=1$"))
    expect(page.locator("label-screen:defined")).to_be_attached()


def item(page: Page, number: int) -> None:
    expect(page.locator("[data-part=item]")).to_have_text(str(number))


def test_ten_items_by_keyboard_alone(visit: Open, address: str, ws: Workspace):
    tab = visit(address=address)
    page = tab.page
    start(page, address)
    for number in range(1, 11):
        item(page, number)
        page.keyboard.press(("1", "2", "p")[number % 3])
        if number == 4:
            page.keyboard.press("f")
        page.keyboard.press("Enter")
    item(page, 11)
    page.wait_for_load_state("networkidle")
    assert said(ws) == {number: [TOPICS[number % 3]] for number in range(1, 11)}
    assert [each.item for each in ws.labels.answers("topics", only="flagged")] == [4]
    assert all(each.annotations[0].seconds > 0 for each in ws.labels.answers("topics"))
    assert ws.labels.progress("topics").answers == 10


def test_skip_undo_back_and_forward(visit: Open, address: str, ws: Workspace):
    tab = visit(address=address)
    page = tab.page
    start(page, address)
    page.keyboard.press("s")
    item(page, 2)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    item(page, 3)
    page.keyboard.press("ArrowLeft")
    item(page, 2)
    expect(page.get_by_role("radio", name="billing")).to_be_checked()
    page.keyboard.press("p")  # another mind
    page.keyboard.press("Enter")
    item(page, 3)
    page.keyboard.press("u")
    item(page, 2)
    expect(page.get_by_role("radio", name="billing")).to_be_checked()
    page.keyboard.press("u")
    expect(page.get_by_role("radio", name="billing")).not_to_be_checked()
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    item(page, 3)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Answer first")
    page.wait_for_load_state("networkidle")
    assert said(ws) == {1: ["skipped"], 2: ["outage"]}
    page.reload()
    item(page, 3)


def test_a_key_can_submit_at_once_and_help_tells_all_keys(visit: Open, address: str, ws: Workspace):
    tab = visit(address=address)
    page = tab.page
    start(page, address)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("leave the item to others")
    page.keyboard.press("1")  # not for the screen while help is open
    page.keyboard.press("Escape")
    expect(page.get_by_role("radio", name="billing")).not_to_be_checked()
    page.get_by_label("submits at once").check()
    page.evaluate("document.activeElement.blur()")
    for number, key in enumerate("12p", 1):
        item(page, number)
        page.keyboard.press(key)
    item(page, 4)
    page.get_by_label("Note").fill("s u f 1")  # letters in a field are letters
    item(page, 4)
    page.wait_for_load_state("networkidle")
    assert said(ws) == {1: ["billing"], 2: ["outage"], 3: ["praise"]}


def test_words_are_marked_by_keyboard_and_by_mouse(visit: Open, address: str, ws: Workspace):
    tab = visit(address=address)
    page = tab.page
    start(page, address, "names")
    expect(page.locator("#marked")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("p")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("p")
    expect(page.locator("mark")).to_have_text(["Ada", "Charles Babbage"])
    page.evaluate(
        """() => {
        const node = [...document.querySelector('#marked').childNodes].at(-1);
        const start = node.textContent.indexOf('London');
        getSelection().setBaseAndExtent(node, start, node, start + 7);
    }"""
    )
    page.get_by_role("button", name="PLACE", exact=False).first.click()
    expect(page.locator("[data-part=spans] li")).to_have_count(3)
    page.locator("#marked").focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Remove PERSON: Charles Babbage").click()
    expect(page.locator("mark")).to_have_text(["Ada", "London."])
    page.keyboard.press("Enter")
    item(page, 2)
    page.keyboard.press("Enter")  # nothing to mark is an answer too
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nothing is left for you")
    first = ws.labels.answers("names", only="all")[0].annotations[0].answer
    at = NEWS.index("London")
    assert first.spans == [Span(0, 3, "PERSON"), Span(at, at + 7, "PLACE")]
    assert len(ws.labels.answers("names")) == 2


def test_without_script_it_is_a_plain_form(visit: Open, address: str, ws: Workspace):
    tab = visit("dark", script=False, address=address)
    page = tab.page
    page.goto(f"{address}/labels/topics")
    page.get_by_role("button", name="Label items").click()
    item(page, 1)
    page.get_by_label("outage").check()
    page.get_by_label("Note").fill("sure")
    page.get_by_role("button", name="Submit").click()
    item(page, 2)
    page.get_by_role("button", name="Skip").click()
    item(page, 3)
    page.get_by_role("button", name="Undo").click()
    item(page, 2)
    page.get_by_role("link", name="Back").click()
    item(page, 1)
    expect(page.get_by_label("outage")).to_be_checked()
    assert said(ws) == {1: ["outage"]}
    page.goto(f"{address}/labels/names/screen")
    page.get_by_role("button", name="Start").click()
    page.locator("textarea[name=marks]").fill("Charles Babbage -> PERSON\nLondon -> PLACE")
    page.get_by_role("button", name="Submit").click()
    assert ws.labels.progress("names").classes == {"PERSON": 1, "PLACE": 1}


def test_an_answer_that_was_not_saved_comes_back(visit: Open, address: str, ws: Workspace):
    tab = visit(address=address, strict=False)  # the browser notes the failed requests in its console
    page = tab.page
    start(page, address)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text(re.compile("fetch", re.IGNORECASE))
    item(page, 1)
    expect(page.get_by_role("radio", name="outage")).to_be_checked()
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    item(page, 2)
    for _ in range(100):
        if said(ws):
            break
        page.wait_for_timeout(100)
    assert said(ws) == {1: ["outage"]}


def test_a_workspace_without_projects_says_how_to_begin(visit: Open, tmp_path: Path, axe: str):
    with Workspace.create(tmp_path / "empty") as empty, served(empty) as there:
        page = visit(address=there).go("/labels")
        expect(page.get_by_text("No labelling project yet")).to_be_visible()
        assert violations(page, axe) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit(visit: Open, address: str, ws: Workspace, axe: str, theme: str):
    for number, label in ((1, "billing"), (2, "outage")):
        ws.labels.label("topics", number, labels=["billing"], flag=number == 2, note=HOSTILE)
        ws.labels.label("topics", number, labels=[label], annotator="bea")
    ws.labels.functions(
        "topics", rules=["minutes > 5 -> praise", "minutes < 20 -> billing"], method="majority"
    )
    ws.labels.label("names", 1, spans=[Span(0, 3, "PERSON")])
    ws.labels.create("tags", "calls", kind="multi", classes=["a", "b"], show=["text"])
    ws.labels.create("notes", "calls", kind="text", show=["text"])
    tab = visit(theme, address=address)
    found = {}
    for path in (
        "/labels", "/labels/topics", "/labels/names", "/labels/topics/screen", "/labels/topics/screen?item=1",
        "/labels/topics/screen?item=40", "/labels/names/screen?item=1", "/labels/tags/screen?item=1",
        "/labels/notes/screen?item=1", "/labels/topics/screen?ended=1",
    ):  # fmt: skip
        page = tab.go(path)
        page.wait_for_load_state("networkidle")
        found[path] = violations(page, axe, theme)
    assert {path: each for path, each in found.items() if each} == {}
    narrow = visit(theme, address=address, width=390)
    for path in found:
        assert narrow.go(path).evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_wrong_addresses_and_wrong_forms(ws: Workspace, address: str):
    with httpx.Client(base_url=address) as http:
        assert http.get("/labels/nothing").status_code == 404
        assert http.get("/labels/topics/screen?item=99").status_code == 404
        assert http.get("/labels/topics/screen?item=x").status_code == 422
        assert http.get("/labels/topics/screen.json?item=99").json()["error"]["code"] == "not-found"
        twin = http.get("/labels/topics/screen.json?item=40").json()
        assert twin["task"]["values"]["text"] == HOSTILE
        assert "<img" not in http.get("/labels/topics/screen?item=40").text
        post = {"Accept": "application/json"}
        assert http.post("/labels/topics/screen", content="do=fly", headers=post).status_code == 422
        assert http.post("/labels/topics/screen", content="do=submit&item=x").status_code == 422
        assert http.post("/labels/topics/screen", content="do=submit&item=1&label=nothing").status_code == 404
        assert http.post("/labels/names/screen", content="do=submit&item=1&spans=[").status_code == 422
        assert http.post("/labels/topics/screen", content="x" * (2 << 20)).status_code == 422
    assert ws.labels.progress("topics").answers == 0


def test_answers_are_in_the_name_of_who_signed_in(ws: Workspace, address: str):
    ws.call("governance.grant", actor="user:root", role="admin")
    editor = ws.call("governance.grant", actor="user:bea", role="editor").secret
    viewer = ws.call("governance.grant", actor="user:eve", role="viewer").secret
    content = "do=submit&item=1&label=outage"
    with httpx.Client(base_url=address) as http:
        ours = {"Origin": address}
        assert (
            http.post("/labels/topics/screen", content=content, headers=ours).headers["location"]
            == "/sign-in"
        )
        http.post("/sign-in", data={"token": viewer}, headers=ours)
        assert http.post("/labels/topics/screen", content=content, headers=ours).status_code == 403
        http.post("/sign-in", data={"token": editor}, headers=ours)
        assert http.post("/labels/topics/screen", content=content).status_code == 403  # a cookie alone
        foreign = {"Origin": "https://evil.example"}
        assert http.post("/labels/topics/screen", content=content, headers=foreign).status_code == 403
        assert said(ws, who="user:bea") == {}
        assert http.post("/labels/topics/screen", content=content, headers=ours).status_code == 303
    assert said(ws, who="user:bea") == {1: ["outage"]}


def test_marks_are_found_in_their_text():
    assert read_marks("a -> X\na -> Y", "a b a") == [
        {"start": 0, "end": 1, "label": "X"},
        {"start": 4, "end": 5, "label": "Y"},
    ]
