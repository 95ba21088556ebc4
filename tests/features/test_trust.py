"""Features that somebody else defined: nothing is imported before the project names it, and words are not lost."""

import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from fettle.core.errors import Denied
from fettle.data import versions
from fettle.features import Draft, needed, row_computer, with_features

ROWS = pl.DataFrame({"a": [1.0, 2.0]})
EVIL = """
from pathlib import Path
Path({mark!r}).write_text("run")

def f(frame):
    return frame["a"]
"""


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module that leaves a file behind as soon as it is imported; the file's name."""
    found = tmp_path / "it-ran"
    (tmp_path / "evil_features.py").write_text(EVIL.format(mark=str(found)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield found
    sys.modules.pop("evil_features", None)


def test_a_function_is_not_imported_before_it_is_permitted(workspace, mark):
    workspace.features.define(Draft("b", {"a": "number"}, "a + 1"))
    workspace.features.define(
        Draft("c", {"b": "number"}, function="evil_features:f", code="0" * 64, type="number")
    )
    features = needed(workspace, ["b", "c"])
    with pytest.raises(Denied, match="may not be called"):
        with_features(ROWS, features)
    with pytest.raises(Denied, match="may not be called"):
        row_computer(features)
    versions.commit_frame(workspace, "d", ROWS)
    with pytest.raises(Denied, match="evil_features"):
        workspace.features.compute("d", ["c"], dataset="e")
    assert not mark.exists()


def test_a_changed_definition_keeps_the_words_that_are_not_given_anew(workspace):
    told = {"description": "Body mass index", "owner": "ada", "tags": ["body"]}
    workspace.features.define(Draft("bmi", {"kg": "number"}, "kg / 4", **told))
    two = workspace.features.define(Draft("bmi", {"kg": "number"}, "kg / 5", owner="grace"))
    assert (two.version, two.description, two.owner, two.tags) == (2, "Body mass index", "grace", ["body"])
    workspace.features.retire("bmi", "wrong")
    three = workspace.features.define(Draft("bmi", {"kg": "number"}, "kg / 6"))
    assert (three.version, three.owner, three.retired) == (3, "grace", "")
