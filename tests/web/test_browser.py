import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from fettle.tracking.records import Point
from tests.web.addresses import LISTS, details
from tests.web.conftest import Open
from tests.web.life import NAME, Life

RULES = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "dark": {"type": "rule", "values": ["color-contrast"]},  # only colours differ
}


def violations(page: Page, axe: str, theme: str = "light") -> list[str]:
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES[theme])["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]} ({len(each['nodes'])})" for each in found]


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_accessible_quiet_and_alone(visit: Open, life: Life, axe: str, theme: str):
    """No error in the console, no request to another host, no rule of accessibility broken."""
    tab = visit(theme)
    found = {}
    for address in [*LISTS, *details(life.ws)]:
        page = tab.go(address)
        if page.locator("metric-chart, flow-graph").count():
            page.wait_for_load_state("networkidle")
        found[address] = violations(page, axe, theme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    assert {address: each for address, each in found.items() if each} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_empty_pages_are_accessible_too(visit: Open, empty_site: str, axe: str, theme: str):
    tab = visit(theme, address=empty_site)
    found = {address: violations(tab.go(address), axe, theme) for address in LISTS}
    assert {address: each for address, each in found.items() if each} == {}


@pytest.mark.parametrize("width", [390])
def test_narrow_windows_show_everything(visit: Open, life: Life, width: int):
    tab = visit(width=width)
    for address in [*LISTS, *details(life.ws)]:
        page = tab.go(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_an_error_page_is_accessible(visit: Open, axe: str):
    tab = visit(strict=False)  # the browser notes the 404 in its console
    assert violations(tab.go("/models/nothing"), axe) == []
    expect(tab.page.get_by_text("what to do")).to_be_visible()


def test_sort_find_back_and_reload(visit: Open):
    tab = visit()
    page = tab.go("/runs")
    page.get_by_role("link", name="accuracy").click()
    page.wait_for_url(re.compile("sort=-metrics.accuracy"))
    head = page.locator("th[aria-sort=descending]")
    expect(head).to_contain_text("accuracy")
    page.get_by_role("searchbox").press_sequentially("trial 3")
    page.wait_for_url(re.compile("q=trial"))
    expect(page.locator("tbody th").first).to_have_text("trial 3")
    assert query(page) == {"q": ["trial 3"], "sort": ["-metrics.accuracy"]}
    expect(head).to_contain_text("accuracy")
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("trial 3")
    expect(page.locator("tbody th").first).to_have_text("trial 3")
    while "q" in query(page):
        page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("")
    expect(head).to_contain_text("accuracy")
    page.go_back()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Started")


def test_a_choice_narrows_the_list(visit: Open):
    tab = visit()
    page = tab.go("/alerts")
    page.get_by_label("Kind").select_option("drift")
    page.wait_for_url(re.compile("kind=drift"))
    expect(page.locator("tbody th").first).to_have_text("drift")
    assert set(page.locator("tbody th").all_inner_texts()) == {"drift"}


def test_a_run_appears_by_itself(visit: Open, life: Life):
    tab = visit()
    page = tab.go("/runs")
    run = life.ws.call("tracking.start", experiment=NAME, name="just begun")
    row = page.locator("tr", has_text="just begun")
    expect(row).to_contain_text("running", timeout=15_000)
    life.ws.call("tracking.finish", run=run.id)
    expect(row).to_contain_text("finished", timeout=15_000)


def test_the_loop_shows_a_worker_that_comes(visit: Open, life: Life):
    tab = visit()
    page = tab.go("/")
    life.beat()
    expect(page.locator(".loop")).to_contain_text("1 worker", timeout=15_000)
    assert page.locator(".loop .name").count() == 17
    page.locator(".loop a", has_text="deploy").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)


def test_nothing_is_swapped_under_the_keyboard(visit: Open, life: Life):
    tab = visit()
    page = tab.go("/runs")
    page.locator("tbody th a").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    run = life.ws.call("tracking.start", experiment=NAME, name="while reading")
    page.wait_for_timeout(4500)
    expect(page.locator("tr", has_text="while reading")).to_have_count(0)
    page.evaluate("document.activeElement.blur()")
    expect(page.locator("tr", has_text="while reading")).to_have_count(1, timeout=15_000)
    life.ws.call("tracking.finish", run=run.id)


def test_curves_zoom_and_go_on(visit: Open, life: Life):
    run = life.ws.call("tracking.start", experiment=NAME, name="long one")
    life.ws.call(
        "tracking.log", run=run.id, points=[Point("loss", 1 / (1 + step), step) for step in range(500)]
    )
    tab = visit()
    page = tab.go(f"/runs/{run.id}")
    chart = page.locator("metric-chart")
    expect(chart.locator("canvas")).to_be_visible()
    with page.expect_response(
        lambda response: "curves.json" in response.url and response.json()["curves"][0]["x"][-1] == 599
    ):
        life.ws.call(
            "tracking.log", run=run.id, points=[Point("loss", 0.001, step) for step in range(500, 600)]
        )
    life.ws.call("tracking.finish", run=run.id)
    box = chart.locator(".u-over").bounding_box()
    assert box is not None
    with page.expect_response(lambda response: "from=" in response.url):
        page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 50, steps=4)
        page.mouse.up()


def test_dagre_sets_the_steps_out(visit: Open, life: Life):
    flow = life.ws.call("pipelines.runs", limit=1)[0]
    tab = visit()
    page = tab.go(f"/pipelines/{flow.id}")
    page.locator("flow-graph:defined").wait_for(state="attached")
    boxes = page.locator(".graph .node")
    assert boxes.count() == 8
    places = [box.bounding_box() for box in boxes.all()]
    for index, one in enumerate(places):
        for two in places[index + 1 :]:
            assert one is not None and two is not None
            apart = one["x"] + one["width"] <= two["x"] or two["x"] + two["width"] <= one["x"]
            assert apart or one["y"] + one["height"] <= two["y"] or two["y"] + two["height"] <= one["y"]
    page.locator(".graph a", has_text="search").click()
    expect(page.get_by_role("heading", name="search")).to_be_visible()


def test_a_cell_of_the_heat_map_tells_its_figures(visit: Open):
    tab = visit()
    page = tab.go(f"/monitoring/{NAME}")
    cell = page.locator(".chart a .cell").first
    cell.hover()
    expect(page.locator(".tip")).to_contain_text("PSI")
    page.locator(".chart a[data-place][tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator("a[data-place='1,1']")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("feature="))
    expect(page.locator("#cell")).to_contain_text("Jensen–Shannon")


def test_the_theme_changes_at_once_and_stays(visit: Open):
    tab = visit("light")
    page = tab.go("/runs")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(paper)
    assert dark != light
    page.goto(tab.address + "/models")
    assert page.evaluate(paper) == dark
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="As the system").click()
    assert page.evaluate(paper) == light
    page.keyboard.press("t")
    assert page.evaluate(paper) == dark


def test_the_keyboard_goes_everywhere(visit: Open):
    tab = visit()
    page = tab.go("/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url(re.compile("/runs$"))
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_without_script_everything_can_be_read_and_sorted(visit: Open, life: Life):
    tab = visit("dark", script=False)
    page = tab.go("/runs")
    assert page.locator("tbody tr").count() > 5
    page.get_by_role("link", name="accuracy").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("accuracy")
    page.get_by_role("searchbox").fill("trial 3")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("tbody th").first).to_have_text("trial 3")
    page.get_by_role("button", name="Light").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert query(page)["q"] == ["trial 3"]
    trial = life.ws.call("tracking.runs", experiment=NAME)[-1]
    tab.go(f"/runs/{trial.id}")
    expect(page.locator("svg.chart").first).to_be_visible()
    tab.go(f"/monitoring/{NAME}")
    assert page.locator("svg.chart").count() >= 2
    flow = life.ws.call("pipelines.runs", limit=1)[0]
    tab.go(f"/pipelines/{flow.id}")
    assert page.locator(".graph .node").count() == 8


def test_a_lost_server_is_told_and_found_again(visit: Open):
    tab = visit(strict=False)  # the browser notes the failed requests in its console
    page = tab.go("/")
    page.context.set_offline(True)
    expect(page.get_by_text("The server does not answer")).to_be_visible(timeout=15_000)
    page.context.set_offline(False)
    expect(page.get_by_text("The server does not answer")).to_be_hidden(timeout=15_000)


def test_chosen_runs_are_compared_and_stay_chosen(visit: Open, life: Life):
    tab = visit()
    page = tab.go("/runs")
    for name in ("trial 1", "trial 2"):
        page.get_by_label(f"Choose {name}", exact=True).first.check()
    page.wait_for_timeout(3500)  # nothing is swapped under what was chosen
    page.get_by_role("button", name="Compare chosen").click()
    page.wait_for_url(re.compile(r"/runs/compare\?run=.*&run="))
    expect(page.locator("metric-chart canvas").first).to_be_visible()
    page.get_by_label("scale").select_option("log")
    page.wait_for_url(re.compile("scale=log"))
    expect(page.locator("metric-chart[data-log] canvas").first).to_be_visible()
    assert len(query(page)["run"]) == 2


def test_an_axis_keeps_the_runs_that_pass(visit: Open, life: Life):
    search = next(each for each in life.ws.call("tracking.runs", experiment=NAME) if each.name == "search")
    tab = visit()
    page = tab.go(f'/runs/compare?q=parent = "{search.id}"')
    axis = page.locator("parallel-axes.ready [data-axis='0']")
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.4, steps=4)
    page.mouse.up()
    expect(page.locator("[data-told]")).to_contain_text(re.compile("[1-5] of 6 runs pass"))
    assert page.locator(".thread.dim").count() > 0
