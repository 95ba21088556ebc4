"""An act is read from its signature and docstring."""

from __future__ import annotations

import pytest

from fettle.acts import Role, act
from fettle.acts.declare import act_of
from tests.acts.conftest import add, count


def test_signature_and_docstring_become_the_declaration():
    declared = act_of(add)
    assert (declared.name, declared.room, declared.verb) == ("notes.add", "notes", "add")
    assert declared.summary == "Write a note down."
    text, times = declared.parameters
    assert (text.name, text.type, text.required, text.positional) == ("text", str, True, True)
    assert (times.default, times.required, times.positional) == (1, False, False)
    assert times.help == "How often it is written; each is a row of its own."
    assert declared.needs is Role.EDITOR


def test_a_read_needs_only_a_viewer():
    assert act_of(count).needs is Role.VIEWER
    assert act_of(count).reads


def test_an_act_stays_a_function_and_others_are_none():
    assert callable(add)
    with pytest.raises(TypeError, match="not an act"):
        act_of(print)
    with pytest.raises(ValueError, match=r"room\.verb"):
        act("nodot")
