"""Runs of ours and runs that MLflow's clients logged are found by the same searches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fettle.tracking import search
from fettle.tracking.records.search import Field
from fettle.workspace import Workspace

OURS = {"git.commit": "abc123", "git.branch": "main", "code.entry": "train.py"}
THEIRS = {
    "mlflow.source.git.commit": "abc123",
    "mlflow.source.git.branch": "main",
    "mlflow.source.name": "train.py",
    "mlflow.source.type": "LOCAL",
    "mlflow.user": "grace",
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Three runs: `ours`, `theirs` (a part of it), and `bare`, which says nothing."""
    folder: Path = tmp_path_factory.mktemp("names")
    made = Workspace.create(folder)
    ours = made.tracking.start("e", "ours", tags=OURS, run_id="ours")
    made.tracking.start("e", "theirs", tags=THEIRS, run_id="theirs", parent=ours.id)
    made.tracking.start("e", "bare", run_id="bare")
    made.tracking.note("theirs", "seen by **grace**")
    yield made
    made.close()


def found(workspace: Workspace, where: str, dialect: Any) -> set[str]:
    return {each.id for each in workspace.tracking.search(where, dialect=dialect).runs}


@pytest.mark.parametrize("dialect", ["fettle", "mlflow"])
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("tags.mlflow.source.git.commit = 'abc123'", {"ours", "theirs"}),
        ("tags.mlflow.source.git.commit LIKE 'abc%'", {"ours", "theirs"}),
        ("tags.git.commit = 'abc123'", {"ours", "theirs"}),
        ("tags.git.commit != 'abc123'", set()),
        ("tags.git.commit != 'other'", {"ours", "theirs"}),
        ("tags.git.commit IS NULL", {"bare"}),
        ("tags.mlflow.source.git.commit IS NOT NULL", {"ours", "theirs"}),
        ("tags.mlflow.source.git.branch = 'main'", {"ours", "theirs"}),
        ("tags.mlflow.source.name = 'train.py'", {"ours", "theirs"}),
        ("tags.code.entry ILIKE 'TRAIN%'", {"ours", "theirs"}),
        ("tags.mlflow.source.type = 'LOCAL'", {"ours", "theirs"}),
        ("tags.mlflow.source.type ILIKE 'loc%'", {"ours", "theirs"}),
        ("tags.mlflow.source.type != 'LOCAL'", set()),
        ("tags.mlflow.source.type = 'NOTEBOOK'", set()),
        ("tags.mlflow.source.type != 'NOTEBOOK'", {"ours", "theirs"}),
        ("tags.mlflow.source.type IS NULL", {"bare"}),
        ("tags.`mlflow.runName` = 'ours'", {"ours"}),
        ("tags.mlflow.runName LIKE 't%'", {"theirs"}),
        ("tags.mlflow.runName IS NULL", set()),
        ("tags.mlflow.parentRunId = 'ours'", {"theirs"}),
        ("tags.mlflow.parentRunId IS NULL", {"ours", "bare"}),
        ("tags.mlflow.note.content LIKE '%grace%'", {"theirs"}),
        ("tags.mlflow.note.content != 'x'", {"theirs"}),
        ("tags.mlflow.note.content IS NULL", {"ours", "bare"}),
        ("tags.mlflow.note.content IS NOT NULL", {"theirs"}),
        ("tags.mlflow.user = 'grace'", {"theirs"}),
        ("tags.mlflow.user LIKE 'gr%'", {"theirs"}),
        ("attributes.user_id = 'grace'", {"theirs"}),
        ("tags.mlflow.user IS NULL", set()),
        ("tags.mlflow.user IS NOT NULL", {"ours", "theirs", "bare"}),
        ("tags.mlflow.user != 'grace'", {"ours", "bare"}),
    ],
)
def test_both_languages_find_runs_of_either_origin(
    both: Workspace, where: str, expected: set[str], dialect: Any
) -> None:
    assert found(both, where, dialect) == expected


def test_the_author_is_found_with_and_without_what_says_that_it_is_a_person(both: Workspace) -> None:
    actor = both.tracking.show("ours").author
    assert actor.startswith("user:")
    name = actor.removeprefix("user:")
    every = {"ours", "theirs", "bare"}
    for where in (f"author = '{actor}'", f"author = '{name}'", f"author in ('x', '{name}')"):
        assert found(both, where, "fettle") == every
    assert found(both, f"attributes.user_id = '{name}'", "mlflow") == every
    assert found(both, f"tags.mlflow.user LIKE '{name[:1]}%'", "mlflow") >= {"ours", "bare"}
    assert found(both, f"author != '{name}'", "fettle") == set()
    assert found(both, "author like 'user:%'", "fettle") == every
    assert found(both, "author = 'grace'", "fettle") == {"theirs"}
    assert found(both, "not author = 'grace'", "fettle") == {"ours", "bare"}


def test_the_beginning_of_a_persons_name_is_not_that_of_the_word_user(both: Workspace) -> None:
    assert found(both, "tags.mlflow.user LIKE 'user%'", "mlflow") == set()


def test_tags_that_are_attributes_sort_by_them(both: Workspace) -> None:
    (named,) = search.parse_order(["tags.`mlflow.runName` DESC"], dialect="mlflow")[:1]
    assert named.field == Field("attribute", "name")
    page = both.tracking.search(order_by=["tags.`mlflow.runName` DESC"], dialect="mlflow")
    assert [each.name for each in page.runs] == ["theirs", "ours", "bare"]


@pytest.mark.parametrize("dialect", ["fettle", "mlflow"])
def test_what_is_shown_is_what_is_found(tmp_path: Path, dialect: Any) -> None:
    """Where a run has both, the name that is asked for counts: two people may share one token."""
    with Workspace.create(tmp_path) as workspace:
        tags = {"mlflow.user": "bob", "mlflow.source.git.commit": "bbb", "git.commit": "aaa"}
        author = workspace.tracking.start("e", run_id="shared", tags=tags).author.removeprefix("user:")
        workspace.tracking.start("e", run_id="own")
        for where, expected in (
            (f"tags.mlflow.user = '{author}'", {"own"}),
            (f"tags.mlflow.user != '{author}'", {"shared"}),
            ("tags.mlflow.user = 'bob'", {"shared"}),
            ("tags.mlflow.source.git.commit = 'bbb'", {"shared"}),
            ("tags.mlflow.source.git.commit = 'aaa'", set()),
            ("tags.git.commit = 'aaa'", {"shared"}),
            ("tags.git.commit != 'aaa'", set()),
        ):
            assert found(workspace, where, dialect) == expected, where
