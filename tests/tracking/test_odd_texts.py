"""Texts that no database, or not every one, can keep."""

from __future__ import annotations

import os

import pytest

from fettle import tracking
from fettle.core.errors import Invalid, Unavailable
from fettle.storage.objects import get_object
from fettle.tracking.leftovers import recover
from fettle.workspace import Workspace

ODD = "a\0b" + os.fsdecode(b"\xff.csv")
KEPT = "a\\x00b\\udcff.csv"


def test_odd_texts_never_stop_a_training_nor_what_comes_behind(workspace: Workspace) -> None:
    with tracking.run(workspace, "churn", name=ODD, params={"p": ODD}, tags={"t": ODD}, inputs=[ODD]) as run:
        run.tag({"x": ODD})
        run.log_params({"q": {ODD: [ODD, 1]}})
        run.note(ODD)
        text = run.log_text(ODD, "odd.txt")
        run.log(loss=1.0)
    shown = workspace.tracking.show(run.id)
    assert (shown.status, shown.name, shown.notes) == ("finished", KEPT, KEPT)
    assert shown.tags == {"t": KEPT, "x": KEPT}
    assert shown.params == {"p": KEPT, "q": {KEPT: [KEPT, 1]}}
    assert shown.inputs == [KEPT]
    assert shown.metrics == {"loss": 1.0}
    assert get_object(workspace.blobs, text.digest) == b"a\0b\\udcff.csv"
    assert not list(workspace.folder.glob("tracking/*"))


def test_odd_names_are_refused_before_the_journal(workspace: Workspace) -> None:
    with tracking.run(workspace, "churn") as run:
        for bad in ("a\0b", "a\udcff"):
            for log in (run.tag, run.log_params, run.log):
                with pytest.raises(Invalid, match="cannot name"):
                    log({bad: 1})
            with pytest.raises(Invalid, match="cannot name"):
                run.log_text("text", bad)
    assert workspace.tracking.show(run.id).status == "finished"


def test_a_run_that_begins_while_the_workspace_is_away(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(type(workspace), "call", away)
        with pytest.warns(UserWarning, match="away"), tracking.run(workspace, "churn", name=ODD) as run:
            run.tag({"x": ODD})
    recover(workspace)
    shown = workspace.tracking.show(run.id)
    assert (shown.name, shown.tags) == (KEPT, {"x": KEPT})
