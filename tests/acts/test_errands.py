"""Errands: derived like acts, run beside the workspace, and never offered over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from fettle.acts import Surface, errand
from fettle.acts.errands import errand_of, is_errand
from fettle.workspace import Workspace, catalog
from fettle.workspace.rooms import ERRANDS

ALL = [each for room in ERRANDS for each in catalog().errands(room)]


@errand("data.greet", reads=True)
def greet(ws: Surface, name: str, *, folder: Path = Path("."), loud: bool = False) -> list[Unknown]:  # noqa: F821 - what it returns is for type checkers
    """Greet somebody.

    More words.

    Args:
        name: Who.
        folder: Where.
        loud: How.
    """
    return [name]


def test_an_errand_is_read_from_its_signature_and_docstring():
    made = errand_of(greet)
    assert (made.name, made.room, made.verb, made.reads) == ("data.greet", "data", "greet", True)
    assert (made.summary, made.description) == ("Greet somebody.", "More words.")
    assert [(each.name, each.type, each.positional, each.help) for each in made.parameters] == [
        ("name", str, True, "Who."),
        ("folder", Path, False, "Where."),
        ("loud", bool, False, "How."),
    ]


def test_only_a_room_and_a_verb_name_an_errand():
    with pytest.raises(ValueError, match=r"room\.verb"):
        errand("greet")
    with pytest.raises(TypeError, match="is not an errand"):
        errand_of(len)
    assert not is_errand(len)


@pytest.mark.parametrize("made", ALL, ids=[each.name for each in ALL])
def test_every_errand_explains_itself_and_has_a_verb_of_its_own(made):
    assert made.summary.endswith(".")
    assert all(each.help for each in made.parameters), [
        each.name for each in made.parameters if not each.help
    ]
    assert made.verb not in {each.verb for each in catalog().acts(made.room)}


def test_errands_are_methods_of_a_workspace(workspace: Workspace):
    assert "merge" in dir(workspace.data)
    assert workspace.data.merge.__doc__.startswith("Merge a branch")
    with pytest.raises(TypeError):
        workspace.data.merge()


def test_a_verb_that_is_a_word_of_python_is_written_with_a_line_behind(workspace: Workspace, tmp_path: Path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.txt").write_text("a")
    workspace.data.import_(str(tmp_path / "photos"))
    assert workspace.data.show("photos").files == 1
