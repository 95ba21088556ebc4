"""The pages of data, privacy and features in a real browser: accessible, quiet, narrow, and without script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Open
from tests.web.holdings import FILES, TABLE
from tests.web.test_browser import violations

PATHS = (
    "/data", f"/data/{TABLE}", f"/data/{TABLE}@main", f"/data/{TABLE}/checks",
    f"/data/{TABLE}/diff", f"/data/{TABLE}/diff/v1/v2", f"/data/{FILES}@main/files",
    f"/data/{FILES}@main/files?path=cats/001.png", f"/data/{FILES}@main/files?path=page.html",
    "/privacy", f"/privacy/{TABLE}", "/features", "/features/net",
)  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible_and_quiet(visit: Open, data_site: str, axe: str, theme: str):
    tab = visit(theme, address=data_site)
    found = {path: violations(tab.go(path), axe, theme) for path in PATHS}
    assert {path: each for path, each in found.items() if each} == {}


def test_narrow_windows_show_everything(visit: Open, data_site: str):
    tab = visit(address=data_site, width=390)
    for path in PATHS:
        assert tab.go(path).evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_from_the_list_to_a_file_by_keyboard(visit: Open, data_site: str):
    page = visit(address=data_site).go("/")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url(re.compile("/data$"))
    page.keyboard.press("/")
    page.keyboard.type("phot")
    page.wait_for_url(re.compile("q=phot"))
    for link in (FILES, "Files", "cats/", "001.png"):
        page.get_by_role("link", name=link, exact=True).focus()
        page.keyboard.press("Enter")
    expect(page.locator("img.preview")).to_be_visible()
    assert page.locator("img.preview").evaluate("image => image.naturalWidth") == 24
    for key, room in (("f", "features"), ("y", "privacy")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(re.compile(f"/{room}$"))


def test_columns_are_ordered_and_found_within_the_page(visit: Open, data_site: str):
    page = visit(address=data_site).go(f"/data/{TABLE}@main")
    page.get_by_role("link", name="Distinct").click()
    page.wait_for_url(re.compile("sort=-distinct"))
    expect(page.locator("section", has_text="profiled over").locator("tbody th").first).to_contain_text("id")
    page = visit(address=data_site).go(f"/data/{TABLE}/diff/v1/v2")
    page.get_by_role("link", name="PSI").click()
    page.wait_for_url(re.compile("sort=-psi"))
    expect(page.locator("#live tbody th").first).to_have_text("plan")


def test_without_script_versions_are_chosen_and_compared(visit: Open, data_site: str):
    page = visit("dark", script=False, address=data_site).go(f"/data/{TABLE}")
    page.get_by_label("History of").select_option("correct-fees")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile("at=correct-fees"))
    expect(page.locator(".history li").first).to_contain_text("Fees of the first weeks corrected")
    page.get_by_role("link", name="Compare").click()
    page.get_by_label("Before", exact=True).select_option("v1")
    page.get_by_label("After", exact=True).select_option("main")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url(re.compile("a=v1&b=main"))
    expect(page.get_by_role("heading", name="Distributions")).to_be_visible()
