"""What is handed to a run and is of the wrong kind: a clear error at once, and nothing of the rest is lost."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fettle
from fettle import tracking
from fettle.core.errors import Conflict, Invalid
from fettle.tracking import ActiveRun
from fettle.workspace import Workspace


class Silent:
    """Something that neither shows itself nor is a number."""

    def __float__(self) -> float:
        raise RuntimeError("many values")

    def __repr__(self) -> str:
        raise RuntimeError("no text")


class WithoutNumber:
    def __float__(self) -> float:
        raise RuntimeError("a Tensor with 3 elements cannot be converted to Scalar")


WRONG: list[tuple[str, Callable[[Any], object]]] = [
    ("has a name and a value", lambda run: run.log("x")),
    ("has a name and a value", lambda run: run.log(0.3)),
    ("has a name and a value", lambda run: run.log([1, 2])),
    ("has a name and a value", lambda run: run.log(Silent())),
    ("takes numbers", lambda run: run.log(loss="a")),
    ("takes numbers", lambda run: run.log(loss=None)),
    ("takes numbers", lambda run: run.log(loss=WithoutNumber())),
    ("takes numbers", lambda run: run.log(loss=np.zeros(3))),
    ("takes numbers", lambda run: run.log(loss=10**400)),
    ("takes numbers", lambda run: run.sample({"loss": "a"}, 1)),
    ("name is a text", lambda run: run.log({1: 1})),
    ("cannot name a metric", lambda run: run.log({"": 1})),
    ("cannot name a metric", lambda run: run.log({"a\nb": 1})),
    ("cannot name a metric", lambda run: run.log({"k" * 300: 1})),
    ("too many metrics", lambda run: run.log({f"k{number}": number for number in range(100_000)})),
    ("whole number of 64 bits", lambda run: run.log(loss=1, step="x")),
    ("whole number of 64 bits", lambda run: run.log(loss=1, step=1.5)),
    ("whole number of 64 bits", lambda run: run.log(loss=1, step=2**70)),
    ("has a name and a value", lambda run: run.log_params("x")),
    ("has a name and a value", lambda run: run.log_params([("a", 1)])),
    ("too long", lambda run: run.log_params(big="x" * 10_000_000)),
    ("too many parameters", lambda run: run.log_params({f"k{number}": 1 for number in range(100_000)})),
    ("cannot name a parameter", lambda run: run.log_params({"a\x00b": 1})),
    ("has a name and a value", lambda run: run.tag("x")),
    ("too long", lambda run: run.tag(big="x" * 10_000_000)),
    ("is a text", lambda run: run.note(None)),
    ("too long", lambda run: run.note("x" * 2_000_000)),
    ("no such file", lambda run: run.log_artifact("nope.txt")),
    ("text or a path", lambda run: run.log_artifact(None)),
    ("text or a path", lambda run: run.log_artifact("a\0b")),
    ("a folder", lambda run: run.log_artifact(os.getcwd())),
    ("cannot name a file", lambda run: run.log_artifact(sys.executable, "../../x")),
    ("name of a run's file", lambda run: run.log_artifact(sys.executable, 5)),
    ("no such folder", lambda run: run.log_artifacts("nope")),
    ("text or a path", lambda run: run.artifact("a.txt", 5)),
    ("is a text", lambda run: run.log_text(5, "a.txt")),
    ("name of a run's file", lambda run: run.log_text("x", None)),
    ("no figure", lambda run: run.log_figure(object(), "f")),
    ("no figure", lambda run: run.log_figure({"a": 1}, "f")),
    ("cannot be kept as an image", lambda run: run.log_image("nope.png", "i")),
    ("no image", lambda run: run.log_image([[1, 2], [3]], "i")),
    ("no image", lambda run: run.log_image(np.zeros((2, 3, 4, 5)), "i")),
    ("A step of images", lambda run: run.log_image(np.zeros((2, 3)), "i", step="x")),
    ("as a table", lambda run: run.log_table(5, "t")),
    ("as a table", lambda run: run.log_table([{"a": object()}], "t")),
    ("as a table", lambda run: run.log_table({"a": [1], "b": [1, 2]}, "t")),
    ("does not say how it is saved", lambda run: run.log_model(object(), "m")),
    ("was not saved", lambda run: run.log_model(lambda folder: None, "m")),
    ("is a text", lambda run: run.data(5)),
    ("cannot be watched", lambda run: run.watch(5)),
    ("cannot be captured", lambda run: run.capture(["gti"])),
    ("list of texts", lambda run: run.capture(5)),
    ("has a name and a value", lambda run: run.child("c", params=5)),
    ("does not end as", lambda run: run.finish("done")),
    ("A seed", lambda run: fettle.seed("x")),  # type: ignore[arg-type] - that is what is tried
    ("A seed", lambda run: fettle.seed(-1)),
]


@pytest.fixture
def run(workspace: Workspace) -> ActiveRun:
    return tracking.run(workspace, "e", params={"lr": 0.1})


@pytest.mark.parametrize(
    ("said", "work"), WRONG, ids=[f"{number}-{said}" for number, (said, _) in enumerate(WRONG)]
)
def test_what_is_wrong_is_said(
    run: ActiveRun,
    workspace: Workspace,
    said: str,
    work: Callable[[Any], object],
    recwarn: pytest.WarningsRecorder,
) -> None:
    run.log(before=1.0)
    with pytest.raises(Invalid, match=said):
        work(run)
    run.log(after=2.0)
    run.finish()
    shown = workspace.tracking.show(run.id)
    assert shown.status == "finished" and shown.metrics == {"before": 1.0, "after": 2.0}
    assert shown.params == {"lr": 0.1} and not shown.artifacts
    assert not [each for each in recwarn if "recorded" in str(each.message) or "away" in str(each.message)]


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("name is a text", {"experiment": None}),
        ("cannot name", {"experiment": ""}),
        ("name is a text", {"experiment": "e", "name": 5}),
        ("has a name and a value", {"experiment": "e", "params": [1]}),
        ("too long", {"experiment": "e", "params": {"a": "x" * 10_000_000}}),
        ("has a name and a value", {"experiment": "e", "tags": "x"}),
        ("given by its id", {"experiment": "e", "parent": 5}),
        ("list of texts", {"experiment": "e", "inputs": 5}),
        ("id is a text", {"experiment": "e", "run_id": 5}),
        ("cannot be the id", {"experiment": "e", "run_id": "../x"}),
        ("cannot be captured", {"experiment": "e", "capture": "nope"}),
    ],
)
def test_a_run_that_cannot_begin(workspace: Workspace, said: str, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match=said):
        tracking.run(workspace, **given)


def test_what_is_right_and_odd(workspace: Workspace, tmp_path: Path) -> None:
    odd = "a/b c\"'ü\u202ex%$"
    with tracking.run(workspace, "e", inputs="churn@v1") as run:
        run.log({odd: True}, step=2.0)  # type: ignore[arg-type] - that is what is tried
        run.log(None, loss=float("nan"))
        run.log({}, loss=float("inf"))
        run.log_params({5: {1, 2}}, n=float("nan"))  # type: ignore[dict-item] - that is what is tried
        with pytest.raises(Conflict, match="is set already"):
            run.log_params(n=1)
        with run.child("part") as part, tracking.run(workspace, "e", parent=run) as other:
            pass
    shown = workspace.tracking.show(run.id)
    assert odd in shown.metrics and shown.not_finite and shown.inputs == ["churn@v1"]
    assert shown.params == {"5": "{1, 2}", "n": "nan"}
    assert [workspace.tracking.show(each.id).parent for each in (part, other)] == [run.id, run.id]


def test_a_workspace_that_is_named(workspace: Workspace, tmp_path: Path) -> None:
    with fettle.run("e", workspace=str(tmp_path), capture=False) as run:
        run.log(loss=1)
    assert workspace.tracking.show(run.id).metrics == {"loss": 1}
