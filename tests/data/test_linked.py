"""The cache of linked checkouts: bounded, the oldest first, and never at the cost of a folder."""

import os
from pathlib import Path

import pytest

from fettle.data import linked
from fettle.workspace import Workspace
from tests.conftest import new_workspace

SIZE = 400_000


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    for number in range(4):
        (tmp_path / "images" / f"{number}.bin").write_bytes(os.urandom(SIZE))
    with new_workspace(tmp_path) as opened:
        opened.data.add(["images"])
        opened.data.commit("images")
        opened.data.checkout("images", "main", path=["."], link=True, force=True)
        for each in (tmp_path / "images").iterdir():  # files of their own, whether they were linked or not
            content = each.read_bytes()
            each.unlink()
            each.write_bytes(content)
        yield opened


def cached(ws: Workspace) -> list[Path]:
    return sorted((ws.folder / "cache" / "data" / "whole").rglob("*/*"))


def linked_folder(ws: Workspace, name: str) -> Path:
    folder = ws.folder.parent / name
    (ws.folder.parent / f"{name}.data.toml").write_text(Path("images.data.toml").read_text())
    ws.data.checkout(name, link=True)
    return folder


def test_what_folders_link_to_costs_nothing_and_stays(ws):
    folder = linked_folder(ws, "other")
    assert len(cached(ws)) == 4
    assert linked.bound(ws, most_bytes=0, young_s=-60) == linked.Evicted()
    assert {each.stat().st_nlink for each in folder.iterdir()} == {2}


def test_the_oldest_go_first_until_it_fits(ws):
    folder = linked_folder(ws, "other")
    for each in sorted(folder.iterdir()):
        each.unlink()
    order = sorted(cached(ws), key=lambda each: each.stat().st_ctime_ns)
    assert linked.bound(ws, most_bytes=2 * SIZE) == linked.Evicted(), "they are young"
    dry = linked.bound(ws, most_bytes=2 * SIZE, young_s=-60, dry=True)
    assert dry == linked.Evicted(2, 2 * SIZE)
    assert len(cached(ws)) == 4
    assert linked.bound(ws, most_bytes=2 * SIZE, young_s=-60) == dry
    assert cached(ws) == sorted(order[2:])
    ws.data.checkout("other", link=True, force=True)
    assert len(list(folder.iterdir())) == 4


def test_the_setting_says_how_much(ws, monkeypatch):
    for each in linked_folder(ws, "other").iterdir():
        each.unlink()
    assert linked.bound(ws, young_s=-60) == linked.Evicted()
    monkeypatch.setenv("FETTLE_DATA_LINK_CACHE", "0")
    assert linked.bound(ws, young_s=-60) == linked.Evicted(4, 4 * SIZE)
    assert ws.data.gc().cache_bytes == 0


def test_a_workspace_without_a_cache_has_nothing_to_evict(workspace):
    assert linked.bound(workspace, most_bytes=0) == linked.Evicted()
